/**
 * Frames carry messages between a dispatcher and an invoker over a stream of bytes. A message is a head (JSON),
 * followed by a tail of bytes that are passed on unchanged. A long message is cut into several frames. All numbers
 * are big-endian:
 *
 *   version u8, type u8, flags u16, activation id 16 bytes, attempt u32, frame number u32, head bytes u32, part bytes u32, part
 *
 * The input is hostile. A header is checked completely before a byte of its part is kept. Memory grows with the bytes
 * received, never with the length announced. Every frame of a message except the last must be full, so a sender
 * cannot flood the reader with tiny frames.
 */
import { dispatchFault } from './faults.ts';

/** In the order of their numbers on the wire, which begin at 1. Append new ones. */
export const messageTypes = [
  'run',
  'acc',
  'nack',
  'beat',
  'res',
  'log',
  'line',
  'end',
  'cancel',
  'follow',
  'facts',
  'grant',
] as const;
export type MessageType = (typeof messageTypes)[number];

export interface FrameLimits {
  /** Size of a frame with its header. */
  readonly frameBytes: number;
  /** Size of a message: head and tail. */
  readonly messageBytes: number;
  readonly headBytes: number;
}

/** What all frames of a message share. */
export interface FrameSubject {
  readonly type: MessageType;
  /** 32 lower-case hex digits. */
  readonly activationId: string;
  /** Number of the attempt to run the activation, 32 bits. */
  readonly attempt: number;
  /** Length of the message's head. */
  readonly headBytes: number;
}

export interface Frame extends FrameSubject {
  /** Counts from 0, without gaps. */
  readonly number: number;
  readonly isLast: boolean;
  /** A copy that shares no memory with the input. */
  readonly part: Buffer;
}

interface Header extends Omit<Frame, 'part'> {
  readonly partBytes: number;
}

const version = 1;
const lastFlag = 1;
export const headerBytes = 36;

/** The shortest head: `{}`. */
const leastHeadBytes = 2;
const idForm = /^[0-9a-f]{32}$/;
const nothing = Buffer.alloc(0);

/**
 * Cuts a message into frames.
 * @param body head and tail
 * @throws Fault MESSAGE_TOO_LARGE, and MESSAGE_INVALID when the id or the attempt is malformed
 */
export function encodeFrames(subject: FrameSubject, body: readonly Buffer[], limits: FrameLimits): Buffer[] {
  const { activationId, attempt, headBytes } = subject;
  const bytes = body.reduce((sum, { length }) => sum + length, 0);
  if (bytes > limits.messageBytes) throw tooLarge(bytes, limits.messageBytes);
  if (headBytes > limits.headBytes) throw tooLarge(headBytes, limits.headBytes);
  if (!idForm.test(activationId)) throw invalid('its activation id is not 32 hex digits');
  if (attempt >>> 0 !== attempt) throw invalid('its attempt is not a 32-bit number');
  const whole = body.length === 1 ? (body[0] ?? nothing) : Buffer.concat(body, bytes);
  const fullBytes = limits.frameBytes - headerBytes;
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes; at += fullBytes) {
    const part = whole.subarray(at, at + fullBytes);
    frames.push(encodeFrame({ ...subject, number: frames.length, isLast: at + fullBytes >= bytes, part }));
  }
  return frames;
}

/** Cuts a stream of bytes into frames. Holds at most one frame, and keeps no reference to its input. */
export class FrameDecoder {
  readonly #limits: FrameLimits;
  readonly #headerBytes = Buffer.alloc(headerBytes);
  #headerFill = 0;
  #header: Header | undefined;
  #part = nothing;
  #partFill = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  /**
   * Yields the frames that `bytes` complete. Run it to its end. After a fault, do not read from the stream again.
   * @throws Fault MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_VERSION_UNKNOWN
   */
  *read(bytes: Buffer): Generator<Frame> {
    let at = 0;
    while (at < bytes.length) {
      if (this.#header === undefined) {
        at += this.#readHeader(bytes, at);
        continue;
      }
      const { partBytes, ...header } = this.#header;
      at += this.#keep(bytes.subarray(at, at + partBytes - this.#partFill), partBytes);
      if (this.#partFill < partBytes) return;
      const part = this.#part;
      this.#header = undefined;
      this.#headerFill = this.#partFill = 0;
      this.#part = nothing;
      yield { ...header, part };
    }
  }

  #readHeader(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.#headerBytes, this.#headerFill, at);
    this.#headerFill += taken;
    // An unknown version may have a header of another length.
    checkVersion(this.#headerBytes);
    if (this.#headerFill === headerBytes) this.#header = parseHeader(this.#headerBytes, this.#limits);
    return taken;
  }

  #keep(piece: Buffer, partBytes: number): number {
    const fill = this.#partFill + piece.length;
    if (fill > this.#part.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(partBytes, Math.max(fill, 2 * this.#part.length)));
      this.#part.copy(grown, 0, 0, this.#partFill);
      this.#part = grown;
    }
    piece.copy(this.#part, this.#partFill);
    this.#partFill = fill;
    return piece.length;
  }
}

export function invalid(why: string) {
  return dispatchFault('MESSAGE_INVALID', `a message between dispatcher and invoker is not valid: ${why}`);
}

export function tooLarge(bytes: number, allowed: number) {
  return dispatchFault(
    'MESSAGE_TOO_LARGE',
    `a message between dispatcher and invoker, or its head, is too large: ${bytes} > ${allowed} bytes`,
  );
}

function encodeFrame({ type, activationId, attempt, number, isLast, headBytes, part }: Frame): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + part.length);
  frame.writeUInt8(version, 0);
  frame.writeUInt8(messageTypes.indexOf(type) + 1, 1);
  frame.writeUInt16BE(isLast ? lastFlag : 0, 2);
  frame.write(activationId, 4, 16, 'hex');
  frame.writeUInt32BE(attempt, 20);
  frame.writeUInt32BE(number, 24);
  frame.writeUInt32BE(headBytes, 28);
  frame.writeUInt32BE(part.length, 32);
  part.copy(frame, headerBytes);
  return frame;
}

function checkVersion(bytes: Buffer): void {
  const found = bytes.readUInt8(0);
  if (found === version) return;
  throw dispatchFault(
    'MESSAGE_VERSION_UNKNOWN',
    `a message between dispatcher and invoker has version ${found}; this Ward knows ${version}`,
  );
}

function parseHeader(bytes: Buffer, limits: FrameLimits): Header {
  const type = messageTypes[bytes.readUInt8(1) - 1];
  const flags = bytes.readUInt16BE(2);
  const number = bytes.readUInt32BE(24);
  const headBytes = bytes.readUInt32BE(28);
  const partBytes = bytes.readUInt32BE(32);
  const fullBytes = limits.frameBytes - headerBytes;
  const isLast = flags === lastFlag;
  const soFar = number * fullBytes + partBytes;
  if (type === undefined) throw invalid(`its type is ${bytes.readUInt8(1)}`);
  if (flags > lastFlag) throw invalid(`its flags are ${flags}`);
  if (partBytes === 0 || partBytes > fullBytes) throw invalid(`a frame announces ${partBytes} bytes`);
  if (!isLast && partBytes < fullBytes) throw invalid('a frame that is not the last is not full');
  if (soFar > limits.messageBytes) throw tooLarge(soFar, limits.messageBytes);
  if (headBytes > limits.headBytes) throw tooLarge(headBytes, limits.headBytes);
  if (headBytes < leastHeadBytes || (isLast && headBytes > soFar))
    throw invalid(`its head announces ${headBytes} bytes`);
  const activationId = bytes.toString('hex', 4, 20);
  return { type, activationId, attempt: bytes.readUInt32BE(20), number, isLast, headBytes, partBytes };
}
