/**
 * Sends messages on a stream between two processes, either of which may have been taken over. A frame has a JSON message,
 * and bytes beside it that JSON would make longer. Both lengths come first, and are checked before memory is allocated.
 */
import type { Duplex, Writable } from 'node:stream';

export interface Frame {
  readonly message: unknown;
  readonly bytes: Buffer;
}

export interface FrameLimits {
  readonly maxMessageBytes: number;
  readonly maxBytes: number;
}

interface Frames {
  /** Resolves when there is room for more, or the other side has gone. */
  send(message: unknown, bytes?: Uint8Array): Promise<void>;
}

const headBytes = 8;
const nothing = Buffer.alloc(0);

/**
 * @param limits of incoming messages
 * @param broken receives the first violation; nothing is read after it
 */
export function openFrames(
  stream: Duplex,
  limits: FrameLimits,
  hear: (frame: Frame) => void,
  broken: (why: string) => void,
): Frames {
  stream.on('data', readFrames(limits, hear, broken));
  return framesTo(stream);
}

export function framesTo(stream: Writable): Frames {
  return {
    send: (message, bytes = nothing) =>
      new Promise((resolve) => {
        const text = Buffer.from(JSON.stringify(message));
        const head = Buffer.alloc(headBytes);
        head.writeUInt32LE(text.length, 0);
        head.writeUInt32LE(bytes.length, 4);
        stream.cork();
        stream.write(head);
        stream.write(text);
        stream.write(bytes, () => resolve());
        stream.uncork();
      }),
  };
}

/**
 * Parses frames from pieces, whose bytes it copies. `limits` and `broken` are those of `openFrames`.
 * @param roomFor returns memory for a message and the bytes beside it; by default new memory
 */
export function readFrames(
  { maxMessageBytes, maxBytes }: FrameLimits,
  hear: (frame: Frame) => void,
  broken: (why: string) => void,
  roomFor: (length: number) => Buffer = Buffer.allocUnsafeSlow,
): (piece: Buffer) => void {
  const head = Buffer.alloc(headBytes);
  let room: Buffer = head;
  let filled = 0;
  let messageBytes: number | undefined;
  let isBroken = false;
  const expect = (next: Buffer, message?: number): void => {
    room = next;
    filled = 0;
    messageBytes = message;
  };
  const complete = (): void => {
    if (messageBytes === undefined) {
      const [forMessage, forBytes] = [head.readUInt32LE(0), head.readUInt32LE(4)];
      if (forMessage > maxMessageBytes || forBytes > maxBytes) throw new Error('a message is too long');
      expect(roomFor(forMessage + forBytes), forMessage);
    } else {
      const frame = { message: parsed(room.subarray(0, messageBytes)), bytes: room.subarray(messageBytes) };
      expect(head);
      hear(frame);
    }
  };
  const take = (piece: Buffer): void => {
    for (let taken = 0; taken < piece.length; ) {
      const count = piece.copy(room, filled, taken);
      taken += count;
      filled += count;
      while (filled === room.length) complete();
    }
  };
  return (piece) => {
    if (isBroken) return;
    try {
      take(piece);
    } catch (error) {
      isBroken = true;
      broken(error instanceof Error ? error.message : String(error));
    }
  };
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw new Error('a message is not JSON');
  }
}
