/** The invoker as its owner sees it. The contract for jobs is in `dispatch/`. */
import type { Socket } from 'node:net';
import type { Dispatcher, InvokerAbilities } from '../dispatch/index.ts';
import type { ViolationSink } from '../sandbox/index.ts';

/** An API call from inside a sandbox. */
export interface ApiConnection {
  /** Paused and unread. All data on it is hostile. */
  readonly socket: Socket;
  /** The namespace of the sandbox, determined by the socket of the connection. */
  readonly namespace: string;
}

export interface Invoker extends Dispatcher, AsyncDisposable {
  /** Takes violations of its sandboxes and finds who caused them. */
  readonly violated: ViolationSink;
  /** Finds out what it can run. Takes a second on hosts with gVisor. */
  abilities(): Promise<InvokerAbilities>;
  close(): Promise<void>;
}
