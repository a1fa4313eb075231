/** The invoker as its owner sees it. The contract for jobs is in `dispatch/`. */
import type { Socket } from 'node:net';
import type { LocalInvoker } from '../dispatch/index.ts';
import type { ViolationSink } from '../sandbox/index.ts';

/** An API call from inside a sandbox. */
export interface ApiConnection {
  /** Paused and unread. All data on it is hostile. */
  readonly socket: Socket;
  /** The namespace of the sandbox, determined by the socket of the connection. */
  readonly namespace: string;
}

export interface Invoker extends LocalInvoker, AsyncDisposable {
  /** Takes violations of its sandboxes and finds who caused them. */
  readonly violated: ViolationSink;
  close(): Promise<void>;
}
