/**
 * Frames carry messages between the nodes of a cluster. Each message of the bus is one frame. A message is a head
 * (JSON), followed by a tail of bytes that are passed on unchanged. A long message is cut into several frames. All
 * numbers are big-endian:
 *
 *   version u8, type u8, flags u16, activation id 16 bytes, attempt u32, frame number u32, head bytes u32, part
 *
 * The input is hostile. A header is checked completely before its part is kept. Every frame of a message except the
 * last must be full, so a sender cannot flood the reader with tiny frames.
 */
import { dispatchFault } from '../faults.ts';

/**
 * In the order of their numbers on the wire, which begin at 1. Append new ones. docs/cluster.md says what each is
 * for.
 */
export const messageTypes = [
  'run',
  'cancel',
  'begin',
  'ack',
  'beat',
  'res',
  'log',
  'nack',
  'follow',
  'line',
  'end',
  'grant',
  'warm',
  'retire',
  'expel',
  'violation',
  'report',
  'changed',
  'drain',
  'where',
  'fetch',
] as const;
export type MessageType = (typeof messageTypes)[number];

/** The versions of frames and heads that this Ward reads. */
export const protocol = { min: 1, max: 1 } as const;
/**
 * The version that it writes. During an upgrade, nodes of the release before must read it: a release that adds a version
 * still writes the old one, and the next release writes the new one.
 */
export const writtenVersion = 1;

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
  /** Tells the sendings of one activation apart, 32 bits. */
  readonly attempt: number;
  /** Length of the message's head. */
  readonly headBytes: number;
}

export interface Frame extends FrameSubject {
  /** Counts from 0, without gaps. */
  readonly number: number;
  readonly isLast: boolean;
  /** Bytes of the message up to its end. */
  readonly soFar: number;
  /** Shares memory with the input. */
  readonly part: Buffer;
}

const lastFlag = 1;
export const headerBytes = 32;

/** The activation id of messages that belong to no activation. */
export const noActivation = '0'.repeat(32);

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
  const fullBytes = limits.frameBytes - headerBytes;
  // Nearly every message is one frame, whose bytes are copied once.
  if (bytes > 0 && bytes <= fullBytes)
    return [encodeFrame({ ...subject, number: 0, isLast: true }, body, bytes)];
  const whole = body.length === 1 ? (body[0] ?? nothing) : Buffer.concat(body, bytes);
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes; at += fullBytes) {
    const part = whole.subarray(at, at + fullBytes);
    const place = { number: frames.length, isLast: at + fullBytes >= bytes };
    frames.push(encodeFrame({ ...subject, ...place }, [part], part.length));
  }
  return frames;
}

/**
 * The length of the whole message is for the reader to check, who may have kept a part of it.
 * @throws Fault MESSAGE_INVALID, MESSAGE_TOO_LARGE for its head, MESSAGE_VERSION_UNKNOWN
 */
export function decodeFrame(bytes: Buffer, limits: FrameLimits): Frame {
  checkVersion(bytes);
  if (bytes.length <= headerBytes) throw invalid(`a frame has ${bytes.length} bytes`);
  const type = messageTypes[bytes.readUInt8(1) - 1];
  const flags = bytes.readUInt16BE(2);
  const number = bytes.readUInt32BE(24);
  const headBytes = bytes.readUInt32BE(28);
  const part = bytes.subarray(headerBytes);
  const fullBytes = limits.frameBytes - headerBytes;
  const isLast = flags === lastFlag;
  const soFar = number * fullBytes + part.length;
  if (type === undefined) throw invalid(`its type is ${bytes.readUInt8(1)}`);
  if (flags > lastFlag) throw invalid(`its flags are ${flags}`);
  if (part.length > fullBytes) throw invalid(`a frame has ${bytes.length} bytes`);
  if (!isLast && part.length < fullBytes) throw invalid('a frame that is not the last is not full');
  if (headBytes > limits.headBytes) throw tooLarge(headBytes, limits.headBytes);
  if (headBytes < leastHeadBytes || (isLast && headBytes > soFar))
    throw invalid(`its head announces ${headBytes} bytes`);
  const activationId = bytes.toString('hex', 4, 20);
  return { type, activationId, attempt: bytes.readUInt32BE(20), number, isLast, headBytes, part, soFar };
}

export function invalid(why: string) {
  return dispatchFault('MESSAGE_INVALID', `a message between nodes is not valid: ${why}`);
}

export function tooLarge(bytes: number, allowed: number) {
  return dispatchFault(
    'MESSAGE_TOO_LARGE',
    `a message between nodes, or its head, is too large: ${bytes} > ${allowed} bytes`,
  );
}

function encodeFrame(
  { type, activationId, attempt, number, isLast, headBytes }: Omit<Frame, 'part' | 'soFar'>,
  parts: readonly Buffer[],
  partBytes: number,
): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + partBytes);
  frame.writeUInt8(writtenVersion, 0);
  frame.writeUInt8(messageTypes.indexOf(type) + 1, 1);
  frame.writeUInt16BE(isLast ? lastFlag : 0, 2);
  frame.write(activationId, 4, 16, 'hex');
  frame.writeUInt32BE(attempt, 20);
  frame.writeUInt32BE(number, 24);
  frame.writeUInt32BE(headBytes, 28);
  let at = headerBytes;
  for (const part of parts) at += part.copy(frame, at);
  return frame;
}

function checkVersion(bytes: Buffer): void {
  const found = bytes[0] ?? 0;
  if (found >= protocol.min && found <= protocol.max) return;
  throw dispatchFault(
    'MESSAGE_VERSION_UNKNOWN',
    `a message between nodes has version ${found}; this Ward knows ${protocol.min} to ${protocol.max}`,
  );
}
