/**
 * Unpacks a layer without privileges. An unprivileged process does it itself. A process that can become another user,
 * like a command of root, starts a process with an id that owns nothing, without capabilities and network, which can
 * write only to the layer's folder. Then it gives the files to the store's owner; by then no process is left that
 * could change them.
 */
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isDigest } from '../../blobs/index.ts';
import {
  confine,
  errorOf,
  findAbilities,
  mustRun,
  readingPrograms,
  startCommand,
  type UserIds,
  unownedId,
} from '../../lib/index.ts';
import { imageFault } from '../faults.ts';
import { layerReadBytes, type UnpackedDigests, unpackHere } from './here.ts';

/**
 * Unpacks `blob` into `root`, an empty folder that only the caller knows.
 * @throws Fault ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, ARCHIVE_INVALID; IMAGE_UNPACK_FAILED when the other process ended
 * early
 */
export type Unpacker = (blob: FileHandle, root: string) => Promise<UnpackedDigests>;

const program = fileURLToPath(new URL('./program.ts', import.meta.url));
const heapMiB = 256;
const ownerTimeoutMs = 300_000;
/** Limit of the kept output of the process, in characters. */
const maxSaid = 16_384;

const digestSchema = z.string().refine(isDigest);
const failureSchema = z.object({
  message: z.string(),
  fault: z
    .object({
      code: z.enum(['ARCHIVE_UNSAFE', 'ARCHIVE_TOO_LARGE', 'ARCHIVE_INVALID']),
      kind: z.enum(['invalid', 'too-large']),
      hint: z.string().optional(),
    })
    .optional(),
});
const answerSchema = z.union([
  z.object({ digest: digestSchema, diffId: digestSchema }),
  z.object({ failure: failureSchema }),
]);

export const unpackApart: Unpacker = async (blob, root) => {
  const { canBecome } = await findAbilities();
  if (!canBecome) {
    const source = blob.createReadStream({ start: 0, autoClose: false, highWaterMark: layerReadBytes });
    return unpackHere(source, root);
  }
  const owner = await stat(dirname(dirname(root)));
  const id = unownedId();
  // Holds a descriptor instead of the path: the store's owner could put another folder there.
  const held = await open(root, constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const cwd = `/proc/self/fd/${held.fd}`;
    if ((await held.stat()).uid !== process.geteuid?.())
      throw imageFault('IMAGE_UNPACK_FAILED', `${root} is not the folder that Ward created for the layer`);
    await held.chown(id, id);
    const digests = await unpackAs({ uid: id, gid: id }, blob, cwd);
    const words = ['chown', '--recursive', '--no-dereference', `${owner.uid}:${owner.gid}`, '.'];
    await mustRun(words, { cwd, timeoutMs: ownerTimeoutMs });
    return digests;
  } finally {
    await held.close();
  }
};

/** The start of the command, before the program that unpacks into its working folder. */
export async function confineUnpacker(as: UserIds): Promise<readonly string[]> {
  const reads = await readingPrograms(as, program);
  // That user can't reach the folder by its path, so the process starts inside it.
  const confinement = { as, writable: '.', reads: reads && [...reads, '.'], hasOwnPids: true };
  // It starts tar for the deletions.
  return confine({ ...confinement, startsProcesses: true }, await findAbilities());
}

async function unpackAs(as: UserIds, blob: FileHandle, cwd: string): Promise<UnpackedDigests> {
  const argv = [...(await confineUnpacker(as)), process.execPath, `--max-old-space-size=${heapMiB}`, program];
  const env = { PATH: process.env['PATH'] };
  const child = startCommand(argv, { cwd, stdio: [blob.fd, 'pipe', 'pipe'], env });
  const [said, complaint, [code, signal]] = await Promise.all([
    endOf(child.stdout),
    endOf(child.stderr),
    once(child, 'close'),
  ]);
  const answer = answerSchema.safeParse(parsed(said));
  if (!answer.success) {
    throw imageFault(
      'IMAGE_UNPACK_FAILED',
      `the process that unpacks a layer ended (${signal ?? code}): ${complaint.trim().slice(-500)}`,
    );
  }
  if (!('failure' in answer.data)) return answer.data;
  const { failure } = answer.data;
  // An error of the system, such as a full disk.
  if (failure.fault === undefined) throw imageFault('IMAGE_UNPACK_FAILED', failure.message);
  throw errorOf(failure);
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}

async function endOf(stream: Readable | null): Promise<string> {
  let said = '';
  for await (const text of stream?.setEncoding('utf8') ?? []) said = `${said}${text}`.slice(-maxSaid);
  return said;
}
