/**
 * The channel's frames: a 4-byte big-endian length, then that many bytes of UTF-8 JSON. The input is hostile: the
 * announced length is checked before a byte is kept, only the head of a frame that is too large is kept, and the
 * reader never holds more than one frame.
 */

/** A frame within the limit, to be parsed by the caller. */
export interface WholeFrame {
  readonly kind: 'whole';
  readonly text: string;
  /** The frame's bytes in a copy, if it has `bulkBytes` or more. */
  readonly bulk?: Buffer<ArrayBuffer>;
}

/** A frame over the limit, whose body was skipped. */
export interface LargeFrame {
  readonly kind: 'large';
  readonly lengthBytes: number;
  /** Its first bytes. */
  readonly head: Buffer;
}

export type Frame = WholeFrame | LargeFrame;

export interface FrameLimits {
  /** Frames up to this size are delivered whole. */
  readonly wholeBytes: number;
  /** A larger announced length breaks the protocol. */
  readonly announcedBytes: number;
  /** Frames of this size or more are delivered as bytes, too. At most `wholeBytes`. */
  readonly bulkBytes: number;
  /** How much of a frame over `wholeBytes` is kept. */
  readonly headBytes: number;
}

export function encodeFrame(json: string): Buffer {
  const length = Buffer.byteLength(json);
  const frame = Buffer.allocUnsafe(4 + length);
  frame.writeUInt32BE(length, 0);
  frame.write(json, 4, length, 'utf8');
  return frame;
}

const headerBytes = 4;
const nothing = Buffer.alloc(0);

/** Cuts a byte stream into frames. Keeps no reference to its input. */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #onFrame: (frame: Frame) => void;
  readonly #onViolation: (reason: string) => void;
  #header = Buffer.alloc(headerBytes);
  #headerFill = 0;
  #length = 0;
  #received = 0;
  /** The kept part of the frame: all of it, or its head. */
  #body: Buffer<ArrayBuffer> = nothing;
  #broken = false;

  constructor(limits: FrameLimits, onFrame: (frame: Frame) => void, onViolation: (reason: string) => void) {
    this.#limits = limits;
    this.#onFrame = onFrame;
    this.#onViolation = onViolation;
  }

  /** True if the stream may end here without cutting a frame in two. */
  get isBetweenFrames(): boolean {
    return this.#headerFill === 0;
  }

  /** Announced length of the frame that is being read; 0 between frames. */
  get announcedBytes(): number {
    return this.#headerFill < headerBytes ? 0 : this.#length;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0 && !this.#broken) {
      rest = this.#headerFill < headerBytes ? this.#readHeader(rest) : this.#readBody(rest);
    }
  }

  #readHeader(chunk: Buffer): Buffer {
    const taken = Math.min(headerBytes - this.#headerFill, chunk.length);
    chunk.copy(this.#header, this.#headerFill, 0, taken);
    this.#headerFill += taken;
    if (this.#headerFill === headerBytes) {
      this.#length = this.#header.readUInt32BE(0);
      this.#received = 0;
      if (this.#length === 0 || this.#length > this.#limits.announcedBytes) {
        this.#broken = true;
        this.#onViolation(`a frame that announces ${this.#length} bytes`);
      }
    }
    return chunk.subarray(taken);
  }

  #readBody(chunk: Buffer): Buffer {
    const taken = Math.min(this.#length - this.#received, chunk.length);
    const piece = chunk.subarray(0, taken);
    if (taken === this.#length && taken < this.#limits.bulkBytes) this.#finishSmall(piece);
    else this.#keep(piece);
    return chunk.subarray(taken);
  }

  /** The fast path: most frames are small and arrive in one piece. */
  #finishSmall(piece: Buffer): void {
    this.#headerFill = 0;
    this.#onFrame({ kind: 'whole', text: piece.toString('utf8') });
  }

  /** Memory of an announced frame that does not arrive is never touched, so it costs nothing. */
  #keep(piece: Buffer): void {
    const isLarge = this.#length > this.#limits.wholeBytes;
    const bytes = isLarge ? this.#limits.headBytes : this.#length;
    if (this.#received === 0) this.#body = Buffer.allocUnsafeSlow(bytes);
    if (this.#received < bytes) piece.copy(this.#body, this.#received);
    this.#received += piece.length;
    if (this.#received === this.#length) this.#finish(isLarge);
  }

  #finish(isLarge: boolean): void {
    const bytes = this.#body;
    this.#body = nothing;
    this.#headerFill = 0;
    if (isLarge) this.#onFrame({ kind: 'large', lengthBytes: this.#length, head: bytes });
    else this.#onFrame(wholeFrame(bytes, this.#limits.bulkBytes));
  }
}

function wholeFrame(bytes: Buffer<ArrayBuffer>, bulkBytes: number): WholeFrame {
  const text = bytes.toString('utf8');
  return bytes.length < bulkBytes ? { kind: 'whole', text } : { kind: 'whole', text, bulk: bytes };
}
