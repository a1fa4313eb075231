/**
 * Writes messages between a dispatcher and an invoker as frames, and joins frames into messages. Frames of different
 * messages may be interleaved; those of one message must be in order. The number and the total size of unfinished
 * messages are bounded, and a message that stalls is dropped.
 */
import { isUtf8 } from 'node:buffer';
import { hasMoreValuesThan, isJsonObject, type JsonObject, nestsDeeperThan } from '../lib/index.ts';
import {
  encodeFrames,
  type Frame,
  FrameDecoder,
  type FrameLimits,
  type FrameSubject,
  invalid,
} from './frames.ts';

export interface Message extends Omit<FrameSubject, 'headBytes'> {
  readonly head: JsonObject;
  /** Passed on unchanged: parameters, a result. */
  readonly tail: Buffer;
}

export interface MessageLimits extends FrameLimits {
  /** Nesting of objects and arrays in a head. */
  readonly headDepth: number;
  /** Values in a head. Each takes far more memory than its text. */
  readonly headValues: number;
  /** Messages that have begun but not ended. */
  readonly unfinished: number;
  /** Bytes of all unfinished messages. */
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
 * Returns the frames of a message, to be written in order. A reader with the same limits accepts them.
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
  readonly #frames: FrameDecoder;
  readonly #unfinished = new Map<string, Unfinished>();
  #unfinishedBytes = 0;
  /** False while bytes are being read, and for good if reading them failed. */
  #isSound = true;

  /** @param now a monotonic clock, in milliseconds */
  constructor(limits = defaultMessageLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
    this.#frames = new FrameDecoder(limits);
  }

  /** Messages that have begun but not ended. */
  get unfinished(): number {
    return this.#unfinished.size;
  }

  /**
   * Yields the messages that `bytes` complete. If it throws or is not run to its end, the stream is lost: nothing
   * more can be read from this sender.
   * @throws Fault MESSAGE_INVALID, MESSAGE_TOO_LARGE, MESSAGE_VERSION_UNKNOWN
   */
  *read(bytes: Buffer): Generator<Message> {
    if (!this.#isSound) throw invalid('an earlier part of the stream could not be read');
    this.#isSound = false;
    try {
      for (const frame of this.#frames.read(bytes)) {
        const message = this.#join(frame);
        if (message) yield message;
      }
      this.#isSound = true;
    } finally {
      if (!this.#isSound) this.#forgetAll();
    }
  }

  /** Drops the messages that have stalled too long and returns how many. Later frames of them are refused. */
  dropStale(): number {
    const before = this.#now() - this.#limits.unfinishedMs;
    const stale = [...this.#unfinished].filter(([, { lastAt }]) => lastAt <= before);
    for (const [key] of stale) this.#take(key);
    return stale.length;
  }

  #join(frame: Frame): Message | undefined {
    const { type, activationId, attempt, number, isLast, headBytes, part } = frame;
    const key = `${type} ${activationId} ${attempt}`;
    const begun = this.#unfinished.get(key);
    const expected = begun?.parts.length ?? 0;
    if (number !== expected) throw invalid(`frame ${number} comes where ${expected} is due`);
    if (begun !== undefined && begun.headBytes !== headBytes)
      throw invalid('its frames have different heads');
    if (!isLast) {
      this.#keep(key, begun ?? { headBytes, parts: [], lastAt: 0 }, part);
      return undefined;
    }
    const body = begun === undefined ? part : Buffer.concat([...this.#take(key), part]);
    const head = parseHead(body.subarray(0, headBytes), this.#limits);
    return { type, activationId, attempt, head, tail: body.subarray(headBytes) };
  }

  #keep(key: string, message: Unfinished, part: Buffer): void {
    const { unfinished, unfinishedBytes } = this.#limits;
    message.parts.push(part);
    message.lastAt = this.#now();
    this.#unfinished.set(key, message);
    this.#unfinishedBytes += part.length;
    if (this.#unfinished.size > unfinished) throw invalid(`more than ${unfinished} of them are unfinished`);
    if (this.#unfinishedBytes > unfinishedBytes)
      throw invalid(`more than ${unfinishedBytes} bytes of them are unfinished`);
  }

  #take(key: string): readonly Buffer[] {
    const parts = this.#unfinished.get(key)?.parts ?? [];
    this.#unfinished.delete(key);
    for (const { length } of parts) this.#unfinishedBytes -= length;
    return parts;
  }

  #forgetAll(): void {
    this.#unfinished.clear();
    this.#unfinishedBytes = 0;
  }
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
