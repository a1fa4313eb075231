/**
 * Messages on a stream between two processes, each of which may have been taken over: a message of JSON, and bytes beside
 * it that JSON would make longer. Both lengths come first and are judged before anything is kept.
 */
import type { Duplex } from 'node:stream';

export interface Frame {
  readonly message: unknown;
  readonly bytes: Buffer;
}

export interface FrameLimits {
  readonly maxMessageBytes: number;
  readonly maxBytes: number;
}

export interface Frames {
  /** Resolves when the other side has room for more, or has gone. */
  send(message: unknown, bytes?: Uint8Array): Promise<void>;
}

const headBytes = 8;
const nothing = Buffer.alloc(0);

/**
 * @param limits of incoming messages
 * @param broken gets the first breach; nothing is read after it
 */
export function openFrames(
  stream: Duplex,
  limits: FrameLimits,
  hear: (frame: Frame) => void,
  broken: (why: string) => void,
): Frames {
  const read = frameReader(limits);
  let isBroken = false;
  stream.on('data', (piece: Buffer) => {
    if (isBroken) return;
    try {
      for (const frame of read(piece)) hear(frame);
    } catch (error) {
      isBroken = true;
      broken(error instanceof Error ? error.message : String(error));
    }
  });
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

/** Bytes as they come → the frames that are complete by then. @throws Error for bytes that are not a frame, or too long */
function frameReader({ maxMessageBytes, maxBytes }: FrameLimits): (piece: Buffer) => Iterable<Frame> {
  let pieces: Buffer[] = [];
  let have = 0;
  let need = headBytes;
  let messageBytes: number | undefined;
  const take = (length: number): Buffer => {
    const all = pieces.length === 1 ? (pieces[0] ?? nothing) : Buffer.concat(pieces, have);
    pieces = [all.subarray(length)];
    have -= length;
    return all.subarray(0, length);
  };
  return function* (piece) {
    pieces.push(piece);
    have += piece.length;
    while (have >= need) {
      if (messageBytes === undefined) {
        const head = take(headBytes);
        const [forMessage, forBytes] = [head.readUInt32LE(0), head.readUInt32LE(4)];
        if (forMessage > maxMessageBytes || forBytes > maxBytes) throw new Error('a message is too long');
        messageBytes = forMessage;
        need = forMessage + forBytes;
      } else {
        const body = take(need);
        const frame = { message: parsed(body.subarray(0, messageBytes)), bytes: body.subarray(messageBytes) };
        messageBytes = undefined;
        need = headBytes;
        yield frame;
      }
    }
  };
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'));
  } catch {
    throw new Error('a message is no JSON');
  }
}
