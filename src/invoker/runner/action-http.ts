/**
 * HTTP to a program in a sandbox. Its responses are hostile: the head, the body, the number of pieces of the body,
 * and the interim responses (1xx) are bounded. Anything that is not an HTTP response counts as no reply. A body is
 * kept in one buffer, because separate objects for its pieces could take hundreds of times its size. The caller
 * limits the time, and ends the connections with the sandbox.
 *
 * A connection is reused only for a moment and never after a pause: when a frozen server is woken for the next
 * request, it at once closes connections that were idle for too long.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { defaultResultBytes } from '../../dispatch/index.ts';
import { isFault } from '../../lib/index.ts';
import type { Intake } from '../channel/intake.ts';
import { wholeBytes } from './outcomes.ts';

export interface ActionReply {
  readonly status: number;
  /** The whole body, or its beginning. */
  readonly text: string;
  /** Length of the whole body, as far as it is known. */
  readonly lengthBytes: number;
  readonly isCut: boolean;
}

export interface ActionHttp {
  /**
   * Returns the reply; undefined if there was none or it was incomplete. Waits for the port to open.
   * @throws Fault PORT_UNREACHABLE
   */
  post(path: '/init' | '/run', json: string): Promise<ActionReply | undefined>;
  /** Closes the connections. */
  rest(): void;
}

export interface ActionHttpOptions {
  /** The largest result, serialised. Absent: the default. */
  readonly resultBytes?: number | undefined;
  /** The account that pays for reading replies, once it is known. */
  readonly intake?: () => Pick<Intake, 'takeTurn' | 'hold'> | undefined;
}

const headBytes = 4096;
const maxHeaderSize = 16 * 1024;
const idleMs = 1000;
/** Real servers send only a few. */
const mostInterim = 32;
/** Eight bytes each for a result of a mebibyte. A program that writes each token separately stays below that. */
const mostPieces = 128 * 1024;
/** A body in this many pieces is read only as fast as its namespace may use time. */
const floodPieces = 1000;
/** A piece of this size, or a second piece, is charged. */
const workBytes = 16 * 1024;

/** A whole body is parsed at once, so its limit is little more than the largest result. */
export function createActionHttp(
  connect: () => Promise<Socket>,
  { resultBytes = defaultResultBytes, intake = () => undefined }: ActionHttpOptions = {},
): ActionHttp {
  const agent = new Agent({ keepAlive: true, timeout: idleMs });
  agent.createConnection = (_options, done) => {
    connect().then(
      (socket) => done?.(null, socket),
      // On failure the second argument is not read.
      (error: Error) => done?.(error, undefined as never),
    );
    return undefined;
  };
  return {
    post: (path, json) => post(agent, path, Buffer.from(json), { maxBytes: wholeBytes(resultBytes), intake }),
    rest: () => agent.destroy(),
  };
}

interface Reading {
  readonly maxBytes: number;
  readonly intake: NonNullable<ActionHttpOptions['intake']>;
}

function post(agent: Agent, path: string, body: Buffer, reading: Reading): Promise<ActionReply | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const sent = request({ agent, path, method: 'POST', headers, maxHeaderSize });
    let hasResponse = false;
    let interim = 0;
    sent.on('information', () => {
      reading.intake()?.takeTurn();
      if (++interim > mostInterim) sent.destroy();
    });
    sent.on('response', (response) => {
      hasResponse = true;
      read(response, reading, resolve);
    });
    sent.on('error', (error) => (isFault(error) ? reject(error) : resolve(undefined)));
    // If there is a response, its own events decide: its body may be read after the connection has closed.
    sent.on('close', () => hasResponse || resolve(undefined));
    sent.end(body);
  });
}

/** Reads a reply. Only the first call of `settle` counts. */
function read(
  response: IncomingMessage,
  { maxBytes, intake }: Reading,
  settle: (reply: ActionReply | undefined) => void,
): void {
  const status = response.statusCode ?? 0;
  const announced = Number(response.headers['content-length'] ?? Number.NaN);
  const body = new Body(Number.isSafeInteger(announced) ? Math.min(announced, maxBytes) : 0);
  let pieces = 0;
  const end = (reply: ActionReply | undefined) => {
    settle(reply);
    response.destroy();
  };
  response.on('data', (piece: Buffer) => {
    if (++pieces > 1 || piece.length >= workBytes) intake()?.takeTurn();
    if (pieces === floodPieces) intake()?.hold(response);
    if (pieces > mostPieces) return end(undefined);
    if (body.length + piece.length <= maxBytes) return body.append(piece);
    const received = body.length + piece.length;
    body.append(piece.subarray(0, maxBytes - body.length));
    const lengthBytes = Number.isSafeInteger(announced) ? announced : received;
    end({ status, text: body.text(headBytes), lengthBytes, isCut: true });
  });
  response.on('end', () => {
    const { length } = body;
    settle(
      response.complete ? { status, text: body.text(length), lengthBytes: length, isCut: false } : undefined,
    );
  });
  response.on('error', () => settle(undefined));
  response.on('close', () => settle(undefined));
}

/** A growing buffer. Announced bytes that do not arrive are never touched, so they cost nothing. */
class Body {
  length = 0;
  #bytes: Buffer<ArrayBuffer>;

  constructor(expectedBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(expectedBytes);
  }

  append(piece: Buffer): void {
    const length = this.length + piece.length;
    if (length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.length);
    this.length = length;
  }

  text(endByte: number): string {
    return this.#bytes.toString('utf8', 0, Math.min(endByte, this.length));
  }
}
