/**
 * Somebody who pushes images through all nodes, the requests of one upload to different ones. What was answered 201 must
 * be whole in the bucket afterwards, at every node.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { digestOf } from '../../src/blobs/index.ts';
import { manifestMediaType } from '../../src/images/index.ts';
import { imageWith } from '../../src/server/gate/guarded.fixture.ts';
import type { Violation } from '../chaos/evidence.ts';
import type { Ward } from '../ward.ts';

const repository = 'guest/pushed';
const betweenMs = 1000;
type Image = Awaited<ReturnType<typeof imageWith>>;

export class Pushes {
  /** Those whose manifest was answered 201. */
  readonly #kept: Image[] = [];
  readonly #ward: () => Ward;
  readonly #client: Promise<void>;
  #isOver = false;

  /** @param ward chooses a node */
  constructor(ward: () => Ward) {
    this.#ward = ward;
    this.#client = this.#goOn();
  }

  /** Number of images that were pushed. */
  get count(): number {
    return this.#kept.length;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  /** Pulls everything from each node. */
  async lost(wards: readonly Ward[]): Promise<readonly Violation[]> {
    const found: Violation[] = [];
    for (const ward of wards)
      for (const { digest, manifest, blobs } of this.#kept) {
        const parts = blobs.map((blob) => [`blobs/${digestOf(blob)}`, blob] as const);
        for (const [path, bytes] of [[`manifests/${digest}`, manifest] as const, ...parts]) {
          const { status, body } = await send(ward, 'GET', `/v2/${repository}/${path}`);
          if (status !== 200 || !bytes.equals(body))
            found.push({ rule: 'a pushed image is not whole', what: `${ward.instance} ${path}: ${status}` });
        }
      }
    return found;
  }

  async #goOn(): Promise<void> {
    for (let count = 1; !this.#isOver; count++) {
      // A connection that breaks is no answer: a fault goes on.
      await this.#push(count).catch(() => {});
      await pause(betweenMs);
    }
  }

  async #push(count: number): Promise<void> {
    const image = await imageWith({ 'app/name': `image ${count} ${Math.random()}` });
    for (const blob of image.blobs) if ((await pushBlob(this.#ward, repository, blob)) !== 201) return;
    const path = `/v2/${repository}/manifests/${count}`;
    const { status } = await send(this.#ward(), 'PUT', path, image.manifest, manifestMediaType);
    if (status === 201) this.#kept.push(image);
  }
}

/** Returns the status of the last answer. @param ward chooses a node for each request */
export async function pushBlob(ward: () => Ward, name: string, blob: Buffer): Promise<number> {
  const { location } = await send(ward(), 'POST', `/v2/${name}/blobs/uploads/`);
  const path = `${location}?digest=${digestOf(blob)}`;
  const { status } = await send(ward(), 'PUT', path, blob, 'application/octet-stream');
  return status;
}

async function send(ward: Ward, method: string, path: string, body?: Buffer, type?: string) {
  const response = await fetch(new URL(path, ward.url), {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}`,
      accept: manifestMediaType,
      ...(type !== undefined && { 'content-type': type }),
    },
    ...(body !== undefined && { body: new Uint8Array(body) }),
  });
  const location = response.headers.get('location') ?? '';
  return { status: response.status, location, body: Buffer.from(await response.arrayBuffer()) };
}
