/** `ward backup`: backs up a running or stopped server, from another process. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describeLocation } from '../../blobs/index.ts';
import { errnoOf, formatSize } from '../../lib/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { requireDatabase } from '../admin/operator-stores.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { refuseOtherEngine } from '../instance/database-mark.ts';
import { dataPaths } from '../instance/instance.ts';
import { noteBackup } from './last-backup.ts';
import { backupLock } from './lock.ts';
import type { BackupHeader } from './members.ts';
import { takeSnapshot } from './snapshot.ts';
import { writeArchive } from './write-archive.ts';

export interface BackupOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly file: string;
  /** Includes the keys that encrypt parameters, signing keys, and the key of the first namespace. */
  readonly withKeys: boolean;
  readonly withAdvisories: boolean;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface BackupResult extends Omit<BackupHeader, 'form' | 'bytes'> {
  /** Absolute. */
  readonly file: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Members whose bytes do not match the digest in their names. */
  readonly damaged: readonly string[];
}

/**
 * Writes all data of a Ward, as of one moment, into one file.
 * @throws Fault BACKUP_ELSEWHERE, DATA_DIR_OTHER_STORE, DATA_DIR_EMPTY, BACKUP_BUSY, BACKUP_FAILED, and those of the rooms
 */
export async function takeBackup(options: BackupOptions): Promise<BackupResult> {
  const { signal, onStep, withKeys, withAdvisories } = options;
  const config = await loadConfig(options);
  refuseElsewhere(config, 'ward backup can’t back it up');
  const paths = dataPaths(config.dataDir);
  const file = resolve(options.file);
  const { keyFile } = config.parameters;
  using acting = actAsOwner(config.dataDir);
  await requireDatabase(config.dataDir);
  using _lock = backupLock(paths);
  try {
    mkdirSync(paths.backupStage, { mode: 0o700 });
    const snapshot = await takeSnapshot({
      config,
      configFile: options.configFile ?? process.env['WARD_CONFIG'],
      stage: paths.backupStage,
      readKeys: () => acting.aside(async () => (keyFile === undefined ? undefined : textOf(keyFile))),
      ...{ withKeys, withAdvisories, onStep, signal },
    });
    const { form: _, bytes: total, ...header } = snapshot.header;
    let done = 0;
    const written = await writeArchive(snapshot, file, {
      signal,
      aside: acting.aside,
      onBytes(bytes) {
        done += bytes;
        onStep(`writing ${formatSize(total)} ${Math.floor((done / (total || 1)) * 100)} %`);
      },
    });
    const { takenAt, ward, files, missing } = header;
    const parts = [...new Set(missing.map(({ part }) => part))];
    const { bytes, damaged } = written;
    await noteBackup(config.dataDir, {
      ...{ takenAt, file, bytes, ward, files, missing: parts, damaged: damaged.length },
    });
    return { ...header, ...written, file };
  } finally {
    rmSync(paths.backupStage, { recursive: true, force: true });
  }
}

/**
 * A file can't hold what other servers write to meanwhile. PostgreSQL and S3-compatible stores have tools for that.
 * @throws Fault BACKUP_ELSEWHERE, DATA_DIR_OTHER_STORE
 */
export function refuseElsewhere(
  { dataDir, store, blobs }: Pick<Config, 'dataDir' | 'store' | 'blobs'>,
  so: string,
): void {
  if (blobs !== undefined && store.engine === 'sqlite') {
    throw serverFault('BACKUP_ELSEWHERE', `the blobs are in ${describeLocation(blobs)}, so ${so}`, {
      hint: 'stop Ward, copy the data folder, and copy the bucket with its own tools; docs/cluster.md says how',
    });
  }
  if (store.engine === 'postgres') {
    throw serverFault('BACKUP_ELSEWHERE', `the database is in PostgreSQL, so ${so}`, {
      hint:
        'use pg_dump and pg_restore, and copy what the data folder holds beside it: ' +
        'code, registry, gate, advisories, parameters.keys; docs/cluster.md has the commands',
    });
  }
  refuseOtherEngine(dataDir, store);
}

/** Undefined when it does not exist. */
function textOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
