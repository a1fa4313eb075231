/** What the database says of the advisories that all nodes of a cluster go by. Their bytes are a blob. */
import { z } from 'zod';
import { type Digest, digestOf, isDigest } from '../../blobs/index.ts';
import type { GateStore, SharedFile } from '../../gate/index.ts';
import { lastUpdateSchema } from './last-update.ts';

/** Name of the row among the files that all servers of a database use. */
export const sharedAdvisories = 'advisories.json';

const gibibyte = 1024 ** 3;

const schema = z.object({
  /** Of the file. Another version of Ward can have another. */
  form: z.int().min(0),
  revision: z.string().regex(/^[0-9a-f]{16}$/),
  builtAt: z.iso.datetime({ precision: 3 }),
  /** Size of the file. */
  bytes: z
    .int()
    .min(1)
    .max(16 * gibibyte),
  /** The compressed file. */
  blob: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)),
  blobBytes: z
    .int()
    .min(1)
    .max(4 * gibibyte),
  /** Name of the node that shared it. */
  node: z.string().max(200),
  /** ISO time, by the clock of that node. */
  at: z.iso.datetime(),
  /** The last update of all sources, if that node has run one. */
  lastUpdate: lastUpdateSchema.optional(),
});

export type SharedAdvisories = z.infer<typeof schema>;

export interface SharedRow {
  /** Undefined: there is no row yet. */
  readonly file: SharedFile | undefined;
  /** Undefined also when the row can't be read. */
  readonly advisories: SharedAdvisories | undefined;
}

/**
 * @param known the last row that was read
 * @throws Faults of the gate's store
 */
export async function readSharedRow(
  store: Pick<GateStore, 'sharedFile'>,
  known?: SharedRow,
): Promise<SharedRow> {
  const file = await store.sharedFile(sharedAdvisories, known?.file);
  if (known !== undefined && file?.digest === known.file?.digest) return known;
  return { file, advisories: file && parse(file.bytes) };
}

/** @throws Fault GATE_FILE_CHANGED when another server has written the row since it was read */
export async function writeSharedRow(
  store: Pick<GateStore, 'write'>,
  advisories: SharedAdvisories,
  { file }: SharedRow,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(advisories));
  const before = file?.digest ?? null;
  await store.write({ sharedFiles: [{ name: sharedAdvisories, digest: digestOf(bytes), bytes, before }] });
}

function parse(bytes: Uint8Array): SharedAdvisories | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch {
    return undefined;
  }
}
