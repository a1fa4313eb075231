/** Checks code and pushed blobs where the settings have them: in the data folder, or in a bucket. */
import { join } from 'node:path';
import { describeLocation } from '../../blobs/index.ts';
import { isFault } from '../../lib/index.ts';
import type { PostgresStore } from '../../store/index.ts';
import type { Config } from '../config/config.ts';
import { dataPaths } from '../instance/instance.ts';
import type { OpenBucket } from '../stores/shared-blobs.ts';
import type { PostgresStores, Stores } from '../stores/stores.ts';
import { checkBucket, type NamedInBucket } from './bucket.ts';
import { type BlobsCheck, type CheckedDatabases, checkNamedBlobs, namedBlobs } from './databases.ts';
import type { Findings } from './findings.ts';
import { checkSharedCode, checkSharedImages, sharedCode, sharedContent } from './shared-state.ts';

interface PlacesCheck extends Omit<BlobsCheck, 'dir'> {
  readonly config: Pick<Config, 'dataDir' | 'blobs'>;
  readonly stores: Stores;
  /** The state in PostgreSQL, if it could be opened. */
  readonly shared: PostgresStore | undefined;
  readonly databases: CheckedDatabases;
  /** Undefined: the blobs are in the data folder. */
  readonly bucket: OpenBucket | undefined;
}

/** @throws Fault BLOB_STORE_UNREACHABLE, and those of the databases */
export async function checkBlobPlaces(check: PlacesCheck, findings: Findings): Promise<void> {
  const { bucket, stores, shared, config, databases, signal, onStep } = check;
  if (bucket !== undefined) return await checkBuckets({ ...check, bucket }, findings);
  const paths = dataPaths(config.dataDir);
  const how = { signal, onStep };
  if (stores.engine === 'postgres') {
    if (shared !== undefined) await checkSharedCode({ ...how, store: shared, dir: paths.code }, findings);
    return await checkSharedImages({ ...how, dir: paths.registry }, findings);
  }
  const dirs = { code: paths.code, registry: paths.registry };
  for (const of of inFolder(paths, databases))
    await checkNamedBlobs({ ...how, ...of, dir: dirs[of.area] }, findings);
}

async function checkBuckets(
  {
    bucket,
    stores,
    shared,
    config,
    databases,
    signal,
    onStep,
  }: PlacesCheck & { readonly bucket: OpenBucket },
  findings: Findings,
): Promise<void> {
  if (config.blobs !== undefined)
    findings.note(
      `code and registry: compared with the names of the blobs in ${describeLocation(config.blobs)}, which were not read`,
    );
  const compare = async (tables: NamedInBucket) => {
    const blobs = await bucket.open(tables.area);
    await checkBucket(tables, { blobs, signal, onStep }, findings);
  };
  if (stores.engine === 'sqlite')
    for (const of of inFolder(dataPaths(config.dataDir), databases)) await compare(namedBlobs(of));
  else if (shared !== undefined) {
    await compare(sharedCode(shared));
    await using held = await heldBlobs(stores, findings);
    if (held !== undefined) await compare(sharedContent(held));
  }
}

/** Those that could be opened. */
function inFolder(paths: ReturnType<typeof dataPaths>, { state, registry }: CheckedDatabases) {
  const code = { area: 'code', databasePath: paths.database } as const;
  const pushed = { area: 'registry', databasePath: join(paths.registry, 'registry.db') } as const;
  return [
    ...(state === undefined ? [] : [{ ...code, database: state }]),
    ...(registry === undefined ? [] : [{ ...pushed, database: registry }]),
  ];
}

/** Undefined when another version of Ward has written the tables: this one would have to change them. */
async function heldBlobs(stores: PostgresStores, findings: Findings) {
  try {
    return await stores.readHeldBlobs();
  } catch (error) {
    if (!isFault(error, 'STORE_UNFIT')) throw error;
    findings.note(`registry: not compared with the database: ${error.message}`);
    return undefined;
  }
}
