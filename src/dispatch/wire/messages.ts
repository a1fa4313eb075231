/**
 * Writes messages as frames, and joins frames into messages. Frames of different messages may be interleaved; those
 * of one message must be in order. The number and the total size of unfinished messages are bounded, and a message
 * that stalls is dropped. A frame that is lost or damaged costs its message, and no other.
 */
import { isUtf8 } from 'node:buffer';
import { hasMoreValuesThan, isJsonObject, type JsonObject, nestsDeeperThan } from '../../lib/index.ts';
import {
  decodeFrame,
  encodeFrames,
  type Frame,
  type FrameLimits,
  type FrameSubject,
  invalid,
  tooLarge,
} from './frames.ts';

export interface Message extends Omit<FrameSubject, 'headBytes'> {
  readonly head: JsonObject;
  /** Passed on unchanged: parameters, a result. May share memory with the input: copy what you keep. */
  readonly tail: Buffer;
}

export interface MessageLimits extends FrameLimits {
  /** Nesting of objects and arrays in a head. */
  readonly headDepth: number;
  /** Values in a head. Each takes far more memory than its text. */
  readonly headValues: number;
  /** Messages of a sender that have begun but not ended. */
  readonly unfinished: number;
  /** Bytes of all unfinished messages of a sender. */
  readonly unfinishedBytes: number;
  /** Time between two frames of a message. */
  readonly unfinishedMs: number;
}

const mebibyte = 1024 * 1024;

export const defaultMessageLimits: MessageLimits = {
  frameBytes: mebibyte / 2,
  messageBytes: 64 * mebibyte,
  headBytes: 4 * mebibyte,
  // The limit of an API request, plus two: a job's environment comes from a request, and is nested in two more
  // objects.
  headDepth: 510,
  headValues: 1_000_000,
  unfinished: 64,
  unfinishedBytes: 128 * mebibyte,
  unfinishedMs: 10_000,
};

/**
 * Returns the frames of a message, to be sent in order. A reader with the same limits accepts them.
 * @throws Fault MESSAGE_TOO_LARGE, MESSAGE_INVALID
 */
export function encodeMessage(message: Message, limits = defaultMessageLimits): Buffer[] {
  const { head, tail, ...subject } = message;
  const text = JSON.stringify(head);
  checkHead(text, limits);
  const bytes = Buffer.from(text);
  return encodeFrames({ ...subject, headBytes: bytes.length }, [bytes, tail], limits);
}

interface Unfinished {
  readonly headBytes: number;
  readonly parts: Buffer[];
  lastAt: number;
}

/** Reads the messages of one untrusted sender. */
export class MessageReader {
  readonly #limits: MessageLimits;
  readonly #now: () => number;
  readonly #unfinished = new Map<string, Unfinished>();
  #unfinishedBytes = 0;

  /** @param now a monotonic clock, in milliseconds */
  constructor(limits = defaultMessageLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Messages that have begun but not ended. */
  get unfinished(): number {
    return this.#unfinished.size;
  }

  /** Their bytes so far. */
  get unfinishedBytes(): number {
    return this.#unfinishedBytes;
  }

  /**
   * Returns the message that the frame completes, if it completes one. A frame that throws costs its own message; a
   * sender that has too much unfinished loses all of it.
   * @throws Fault MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_VERSION_UNKNOWN
   */
  read(bytes: Buffer): Message | undefined {
    const frame = decodeFrame(bytes, this.#limits);
    if (frame.number === 0 && frame.isLast) {
      // A message of one frame may take the place of one that was not finished.
      if (this.#unfinished.size > 0) this.#take(keyOf(frame));
      return messageOf(frame, frame.part, this.#limits);
    }
    const parts = this.#join(frame);
    return parts && messageOf(frame, Buffer.concat(parts), this.#limits);
  }

  /** Drops the messages that have stalled too long and returns how many. Later frames of them are refused. */
  dropStale(): number {
    const before = this.#now() - this.#limits.unfinishedMs;
    const stale = [...this.#unfinished].filter(([, { lastAt }]) => lastAt <= before);
    for (const [key] of stale) this.#take(key);
    return stale.length;
  }

  /** Returns all parts if the frame is the last. */
  #join(frame: Frame): readonly Buffer[] | undefined {
    const { number, isLast, headBytes, part, soFar } = frame;
    const { messageBytes } = this.#limits;
    const key = keyOf(frame);
    if (soFar > messageBytes) {
      this.#take(key);
      throw tooLarge(soFar, messageBytes);
    }
    // The first frame of a message that is sent again drops what came of it before.
    if (number === 0) this.#take(key);
    const begun = this.#unfinished.get(key);
    const expected = begun?.parts.length ?? 0;
    if (number !== expected || (begun !== undefined && begun.headBytes !== headBytes)) {
      this.#take(key);
      if (number !== expected) throw invalid(`frame ${number} comes where ${expected} is due`);
      throw invalid('its frames have different heads');
    }
    if (isLast) return [...this.#take(key), part];
    // A copy: the input may be a small part of a large buffer.
    this.#keep(key, begun ?? { headBytes, parts: [], lastAt: 0 }, Buffer.from(part));
    return undefined;
  }

  #keep(key: string, message: Unfinished, part: Buffer): void {
    const { unfinished, unfinishedBytes } = this.#limits;
    message.parts.push(part);
    message.lastAt = this.#now();
    this.#unfinished.set(key, message);
    this.#unfinishedBytes += part.length;
    const isOver = this.#unfinished.size > unfinished || this.#unfinishedBytes > unfinishedBytes;
    if (!isOver) return;
    this.#unfinished.clear();
    this.#unfinishedBytes = 0;
    throw invalid(`more than ${unfinished} of them, or ${unfinishedBytes} bytes, are unfinished`);
  }

  #take(key: string): readonly Buffer[] {
    const parts = this.#unfinished.get(key)?.parts ?? [];
    this.#unfinished.delete(key);
    for (const { length } of parts) this.#unfinishedBytes -= length;
    return parts;
  }
}

function keyOf({ type, activationId, attempt }: FrameSubject): string {
  return `${type} ${activationId} ${attempt}`;
}

function messageOf(
  { type, activationId, attempt, headBytes }: FrameSubject,
  body: Buffer,
  limits: MessageLimits,
): Message {
  const head = parseHead(body.subarray(0, headBytes), limits);
  return { type, activationId, attempt, head, tail: body.subarray(headBytes) };
}

function parseHead(bytes: Buffer, limits: MessageLimits): JsonObject {
  if (!isUtf8(bytes)) throw invalid('its head is not UTF-8');
  const text = bytes.toString();
  checkHead(text, limits);
  const head = jsonOf(text);
  if (!isJsonObject(head)) throw invalid('its head is not an object in JSON');
  return head;
}

/** Undefined when it is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Checks the text before a parser recurses into it or builds objects. */
function checkHead(text: string, { headDepth, headValues }: MessageLimits): void {
  if (nestsDeeperThan(text, headDepth)) throw invalid(`its head nests deeper than ${headDepth}`);
  if (hasMoreValuesThan(text, headValues)) throw invalid(`its head has more than ${headValues} values`);
}
