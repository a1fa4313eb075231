/**
 * `ward restore`: restores a backup completely, or not at all. It first extracts and checks the backup in a folder
 * inside the data folder. The file `commit` in it marks it as complete; from then on an interrupted restore is
 * finished, not started again. Images get their names only then, too. No Ward starts while that folder exists.
 */
import {
  closeSync,
  cpSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { formatSize, messageOf, mustRun, tryFileLock } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import { type Acting, actAsOwner } from '../admin/act-as.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { forgetFolderId } from '../instance/folder-id.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { type DataPaths, dataPaths } from '../instance/instance.ts';
import { refuseElsewhere } from './backup.ts';
import { namesIn } from './held-blobs.ts';
import { type BackupHeader, type MissingPart, parseHeader } from './members.ts';
import { readArchive } from './read-archive.ts';
import { nameImages, planImages } from './restored-images.ts';

export interface RestoreOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly file: string;
  /** Replaces existing content. */
  readonly replace: boolean;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface RestoreResult extends Pick<BackupHeader, 'ward' | 'takenAt' | 'instance' | 'files'> {
  readonly dataDir: string;
  /** An earlier restore was interrupted after its commit: this run finished it, and did not read the file. */
  readonly wasUnfinished: boolean;
  /** Parts that the backup lacks, unless they are in the data folder now. */
  readonly missing: readonly MissingPart[];
  readonly damaged: readonly string[];
  /** Names of images that were put into the image store. */
  readonly images: readonly string[];
}

/** Entries of a data folder that a backup restores. */
const entries = ['state', 'code', 'registry', 'gate', 'advisories', 'parameters.keys', 'guest.auth'] as const;
/** Entries of an empty data folder: locks, mount points, and a file system's own. */
const ofNobody =
  /^(?:(?:ward|backup|rotation)\.lock(?:-journal)?|backup|restore|reserve|roots|laid|lost\+found)$/;
const syncTimeoutMs = 600_000;
/** Runs with the current rights. */
const here: Acting['aside'] = (work) => work();

/**
 * @throws Fault BACKUP_ELSEWHERE, DATA_DIR_OTHER_STORE, DATA_DIR_BUSY, DATA_DIR_NOT_EMPTY, BACKUP_INVALID, BACKUP_NEWER, BACKUP_BUSY, BACKUP_FAILED, IMAGE_DIFFERS
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreResult> {
  const { file, replace, onStep, signal } = options;
  const config = await loadConfig(options);
  const { dataDir, imagesDir } = config;
  refuseElsewhere(config, 'ward restore can’t restore it');
  const paths = dataPaths(dataDir);
  const stage = stageIn(paths);
  if (!existsSync(stage.commit)) refuseAbsentFile(file);
  refuseFolder(dataDir, imagesDir, replace || existsSync(stage.root));
  makeFolder(dataDir);
  using acting = actAsOwner(dataDir);
  using _lock = lockOf(
    paths.lock,
    'DATA_DIR_BUSY',
    `another Ward is running with the data folder ${dataDir}`,
  );
  using _backup = lockOf(paths.backupLock, 'BACKUP_BUSY', 'a backup of this data folder is in progress');
  const { aside } = acting;
  const atStore = statSync(imagesDir, { throwIfNoEntry: false })?.uid === process.geteuid?.() ? here : aside;
  const finish = async (header: BackupHeader) => {
    const images = await atStore(() => nameImages(stage.images, imagesDir));
    moveIntoPlace(dataDir, stage);
    return { ...(await aside(async () => resultOf(header, config))), images };
  };
  const header = unfinished(stage);
  if (header !== undefined) return { ...(await finish(header)), wasUnfinished: true, damaged: [] };
  rmSync(stage.root, { recursive: true, force: true });
  refuseFolder(dataDir, imagesDir, replace);
  mkdirSync(stage.data, { recursive: true, mode: 0o700 });
  try {
    const onBytes = (bytes: number, total: number) =>
      onStep(`reading ${formatSize(total)} ${Math.floor((bytes / (total || 1)) * 100)} %`);
    const backup = await readArchive(file, stage.data, { signal, aside, onBytes });
    const images = await atStore(() =>
      planImages(stage.images, imagesDir, { replace, damaged: backup.damaged }),
    );
    signal.throwIfAborted();
    onStep('writing it to the disk');
    await atStore(images.copy);
    await images.leaveOut();
    keepSigningKeys(dataDir, stage);
    await noteRestore(stage, file, backup.header);
    await mustRun(['sync', '--file-system', stage.data], { timeoutMs: syncTimeoutMs });
    writeDurably(stage.commit, JSON.stringify(backup.header));
    return { ...(await finish(backup.header)), wasUnfinished: false, damaged: backup.damaged };
  } catch (error) {
    // After the commit the restore only needs to be finished.
    if (!existsSync(stage.commit)) rmSync(stage.root, { recursive: true, force: true });
    throw error;
  }
}

/** @throws Fault RESTORE_UNFINISHED */
export function refuseUnfinishedRestore({ restoreStage }: DataPaths): void {
  if (!existsSync(restoreStage)) return;
  throw serverFault(
    'RESTORE_UNFINISHED',
    `a restore into this data folder was interrupted: ${restoreStage}`,
    {
      hint: `run ward restore again; or remove ${restoreStage} to serve the folder without the restore`,
    },
  );
}

/** Checks this before anything is written. */
function refuseAbsentFile(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === false) return;
  throw serverFault('BACKUP_INVALID', `the backup ${file} does not exist`, {
    hint: 'name the file that ward backup wrote',
  });
}

interface Stage {
  readonly root: string;
  readonly data: string;
  readonly images: string;
  /** The folder's earlier content. */
  readonly replaced: string;
  readonly commit: string;
}

function stageIn({ restoreStage: root }: DataPaths): Stage {
  const data = join(root, 'data');
  return {
    root,
    data,
    images: join(data, 'images'),
    replaced: join(root, 'replaced'),
    commit: join(root, 'commit'),
  };
}

function unfinished({ commit }: Stage): BackupHeader | undefined {
  return existsSync(commit) ? parseHeader(readFileSync(commit, 'utf8')) : undefined;
}

/** Each step is one rename, so that an interrupted restore can resume. */
function moveIntoPlace(dataDir: string, { root, data, replaced }: Stage): void {
  mkdirSync(replaced, { recursive: true, mode: 0o700 });
  forgetFolderId(dataDir);
  for (const name of entries) {
    const [from, to, old] = [join(data, name), join(dataDir, name), join(replaced, name)];
    if (!existsSync(from)) continue;
    if (existsSync(to)) renameSync(to, old);
    renameSync(from, to);
  }
  syncPath(dataDir);
  rmSync(root, { recursive: true, force: true });
  syncPath(dataDir);
}

/** A backup without keys does not replace the existing ones. */
function keepSigningKeys(dataDir: string, { data }: Stage): void {
  const [from, to] = [gatePaths(dataDir).keys, gatePaths(data).keys];
  if (existsSync(from) && !existsSync(to)) cpSync(from, to, { recursive: true, preserveTimestamps: true });
}

/** The restored audit log says where it comes from. Written before the commit: both are restored, or neither. */
async function noteRestore({ data }: Stage, file: string, { takenAt }: BackupHeader): Promise<void> {
  await using store = await openStore({ path: dataPaths(data).database });
  await store.unsealed.add({ what: 'restore', name: file, summary: `a backup of ${takenAt}` });
}

function resultOf(header: BackupHeader, config: Config) {
  const { ward, takenAt, instance, files, missing } = header;
  const { dataDir, parameters } = config;
  const paths = dataPaths(dataDir);
  const places: Readonly<Partial<Record<MissingPart['part'], string>>> = {
    'parameter keys': parameters.keyFile ?? paths.parameterKeys,
    'guest key': paths.guestKey,
    'signing keys': gatePaths(dataDir).keys,
    advisories: gatePaths(dataDir).advisories,
  };
  const isMissing = ({ part }: MissingPart) => {
    if (part === 'parameter keys' && process.env['WARD_PARAMETER_KEYS'] !== undefined) return false;
    const place = places[part];
    return place === undefined || !existsSync(place);
  };
  return { dataDir, ward, takenAt, instance, files, missing: missing.filter(isMissing) };
}

function refuseFolder(dataDir: string, imagesDir: string, replace: boolean): void {
  if (replace) return;
  const ownStore = relative(dataDir, imagesDir).split('/')[0];
  const [first] = namesIn(dataDir).filter((name) => !ofNobody.test(name) && name !== ownStore);
  if (first === undefined) return;
  throw serverFault('DATA_DIR_NOT_EMPTY', `the data folder ${dataDir} is not empty: it has ${first}`, {
    hint: 'name an empty folder with --data DIR, or replace its content with --replace',
  });
}

function makeFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true });
  } catch (cause) {
    throw serverFault('DATA_DIR_INVALID', `${dataDir} can't be the data folder: ${messageOf(cause)}`, {
      hint: 'name a folder with --data DIR',
      cause,
    });
  }
}

function lockOf(path: string, code: 'DATA_DIR_BUSY' | 'BACKUP_BUSY', message: string) {
  const lock = tryFileLock(path);
  if (lock !== undefined) return lock;
  throw serverFault(code, message, { hint: 'stop it, or wait for it to end' });
}

function writeDurably(path: string, text: string): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, path);
  syncPath(dirname(path));
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
