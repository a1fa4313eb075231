/**
 * Removals of layers that a bucket carries out late, as a proxy before it can: a line to it keeps the request, and sends
 * it after the node has given it up.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Digest, digestHex } from '../../src/blobs/index.ts';

export interface LateRemoval {
  /** The bucket would have the request by now. */
  readonly isKept: boolean;
  /** Sends the request to the bucket. */
  carryOut(): Promise<void>;
}

export class LateRemovals {
  readonly #url: string;
  readonly #sought = new Map<string, (request: Buffer) => void>();

  /** @param url of the S3-compatible store */
  constructor(url: string) {
    this.#url = url;
  }

  /** Keeps the next removal of this layer, through whatever line it comes. */
  of(digest: Digest): LateRemoval {
    let request: Buffer | undefined;
    this.#sought.set(digestHex(digest), (found) => {
      request = found;
    });
    return {
      get isKept() {
        return request !== undefined;
      },
      carryOut: async () => {
        if (request === undefined) throw new Error('there is no removal');
        await send(this.#url, request);
      },
    };
  }

  /** Whether a line may not pass this on. A client sends a request without a body in one piece. */
  readonly keeps = (piece: Buffer): boolean => {
    const [, hex = ''] =
      /^DELETE \S*\/sha256\/([0-9a-f]{64})[?\s]/.exec(piece.toString('latin1', 0, 500)) ?? [];
    const found = this.#sought.get(hex);
    found?.(Buffer.from(piece));
    return found !== undefined && this.#sought.delete(hex);
  };
}

/** moto checks neither the signature nor the name of the host. */
async function send(url: string, request: Buffer): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(request);
  const [answer]: Buffer[] = await once(socket, 'data');
  socket.destroy();
  const [status = ''] = String(answer).split('\r\n');
  if (!status.includes(' 204 ')) throw new Error(`the bucket answered a removal with ${status}`);
}
