/**
 * HTTP with a program in a sandbox, over connections that lead there. What comes back is hostile: its head and its
 * body are bounded, and what is no HTTP response is none. How long it may take is the caller's to say, who ends the
 * connections with the sandbox.
 *
 * A connection is used again only for a moment and never after a pause: a server that has been frozen closes what
 * has been idle for too long in the very moment in which it is woken for the next request.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { isFault } from '../lib/index.ts';
import { defaultResultBytes, wholeBytes } from './outcomes.ts';

export interface ActionReply {
  readonly status: number;
  /** The whole body, or its beginning. */
  readonly text: string;
  /** Of the whole body, as far as it is known. */
  readonly lengthBytes: number;
  readonly isCut: boolean;
}

export interface ActionHttp {
  /**
   * The reply; undefined when there was none, or not a whole one. Waits for the port to open.
   * @throws Fault PORT_UNREACHABLE
   */
  post(path: '/init' | '/run', json: string): Promise<ActionReply | undefined>;
  /** Closes the connections. */
  rest(): void;
}

const headBytes = 4096;
const maxHeaderSize = 16 * 1024;
const idleMs = 1000;

/** A whole body is parsed at once, so it is not much more than the largest result. */
export function createActionHttp(
  connect: () => Promise<Socket>,
  resultBytes = defaultResultBytes,
): ActionHttp {
  const agent = new Agent({ keepAlive: true, timeout: idleMs });
  agent.createConnection = (_options, done) => {
    connect().then(
      (socket) => done?.(null, socket),
      // Nobody reads the second argument of a failure.
      (error: Error) => done?.(error, undefined as never),
    );
    return undefined;
  };
  return {
    post: (path, json) => post(agent, path, Buffer.from(json), wholeBytes(resultBytes)),
    rest: () => agent.destroy(),
  };
}

function post(agent: Agent, path: string, body: Buffer, maxBytes: number): Promise<ActionReply | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request({ agent, path, method: 'POST', headers, maxHeaderSize });
    let hasResponse = false;
    sent.on('response', (response) => {
      hasResponse = true;
      read(response, maxBytes, resolve);
    });
    sent.on('error', (error) => (isFault(error) ? reject(error) : resolve(undefined)));
    // Of a response the last word is its own: what has come may be read after the connection has closed.
    sent.on('close', () => hasResponse || resolve(undefined));
    sent.end(body);
  });
}

/** Settles at the first of its calls. */
function read(
  response: IncomingMessage,
  maxBytes: number,
  settle: (reply: ActionReply | undefined) => void,
): void {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let received = 0;
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received <= maxBytes) return;
    const announced = Number(response.headers['content-length']);
    const lengthBytes = Number.isSafeInteger(announced) ? announced : received;
    settle({ status, text: Buffer.concat(chunks).toString('utf8', 0, headBytes), lengthBytes, isCut: true });
    response.destroy();
  });
  response.on('end', () => {
    const text = Buffer.concat(chunks).toString('utf8');
    settle(response.complete ? { status, text, lengthBytes: received, isCut: false } : undefined);
  });
  response.on('error', () => settle(undefined));
  response.on('close', () => settle(undefined));
}
