/** What an invoker is to those who make one; what it does with jobs is the contract of `dispatch/`. */
import type { Socket } from 'node:net';
import type { Dispatcher } from '../dispatch/index.ts';
import type { ViolationSink } from '../sandbox/index.ts';

/** A call of the API that comes out of a sandbox. */
export interface ApiConnection {
  /** Paused, with nothing read from it. Everything on it is hostile. */
  readonly socket: Socket;
  /** The namespace of the sandbox, as the connection's socket shows. */
  readonly namespace: string;
}

export interface Invoker extends Dispatcher, AsyncDisposable {
  /** Hears of violations in the sandboxes that it has; finds out whose they are. */
  readonly violated: ViolationSink;
  close(): Promise<void>;
}
