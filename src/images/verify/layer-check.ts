/**
 * Compares an unpacked layer with its blob. The digest of the blob's content is the folder's name, so the check
 * trusts nothing else. It runs in a process of its own at the lowest priority, since strangers wrote the layer; when
 * root starts it, the process has an id that owns nothing.
 */
import { once } from 'node:events';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { blobPath, type Digest, openRegularFile } from '../../blobs/index.ts';
import { confine, findAbilities, readingPrograms, startCommand, unownedId } from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { openLayerStore } from '../store/layer-store.ts';

export interface StoredLayer {
  readonly diffId: Digest;
  /** Of the compressed bytes. */
  readonly digest: Digest;
  /** The OCI layout of the blob. */
  readonly from: string;
}

/** The problem with a layer. */
export type LayerProblem =
  | { readonly of: 'blob'; readonly text: string }
  | { readonly of: 'folder'; readonly text: string; readonly differences: readonly string[] };

const program = fileURLToPath(new URL('./program.ts', import.meta.url));
const heapMiB = 256;
const answerSchema = z.union([
  z.object({
    digest: z.string(),
    diffId: z.string(),
    count: z.int().min(0),
    first: z.array(z.string()).readonly(),
  }),
  z.object({ failure: z.object({ message: z.string() }) }),
]);

/**
 * Returns undefined when the layer is intact, or not unpacked.
 * @param dir the image store
 * @throws Fault IMAGE_UNPACK_FAILED when the process ended early
 */
export async function checkLayer(
  dir: string,
  { diffId, digest, from }: StoredLayer,
  signal?: AbortSignal,
): Promise<LayerProblem | undefined> {
  const layers = openLayerStore(dir);
  if (!(await layers.has(diffId))) return undefined;
  const blob = await openRegularFile(blobPath(from, digest));
  if (blob === undefined) return { of: 'blob', text: 'its blob is missing' };
  try {
    await using folder = await open(layers.path(diffId), constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const answer = await ask(blob.fd, `/proc/self/fd/${folder.fd}`, signal);
    if ('failure' in answer) return { of: 'blob', text: answer.failure.message };
    if (answer.digest !== digest) return { of: 'blob', text: 'its blob does not match its digest' };
    if (answer.diffId !== diffId) return { of: 'blob', text: 'it is not the layer that its image names' };
    if (answer.count === 0) return undefined;
    const more = answer.count > 1 ? ` and ${answer.count - 1} more` : '';
    return { of: 'folder', text: `${answer.first[0]}${more}`, differences: answer.first };
  } finally {
    await blob.close();
  }
}

async function ask(blob: number, cwd: string, signal: AbortSignal | undefined) {
  const abilities = await findAbilities();
  const id = unownedId();
  const as = { uid: id, gid: id };
  const reads = abilities.canBecome ? await readingPrograms(as, program) : undefined;
  const before = abilities.canBecome ? confine({ as, reads: reads && [...reads, '.'] }, abilities) : [];
  const argv = [process.execPath, `--max-old-space-size=${heapMiB}`, program];
  const env = { PATH: process.env['PATH'] };
  const child = startCommand(['/usr/bin/nice', '-n', '19', ...before, ...argv], {
    cwd,
    stdio: [blob, 'pipe', 'pipe'],
    env,
  });
  const stop = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const [said, complaint] = await Promise.all([
      text(child.stdout ?? Readable.from([])),
      text(child.stderr ?? Readable.from([])),
      once(child, 'close'),
    ]);
    signal?.throwIfAborted();
    const answer = answerSchema.safeParse(said === '' ? undefined : JSON.parse(said));
    if (answer.success) return answer.data;
    throw imageFault(
      'IMAGE_UNPACK_FAILED',
      `the process that checks a layer ended early: ${complaint.trim().slice(-500)}`,
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
