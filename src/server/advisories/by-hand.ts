/** Commands on a file of advisories, in a data folder or elsewhere: update, import, status. */
import { closeSync, openSync } from 'node:fs';
import { chmod, chown, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { readTrustedKey } from '../../gate/index.ts';
import { isFault, messageOf } from '../../lib/index.ts';
import {
  type AdvisoryInput,
  type AdvisoryProgress,
  type AdvisorySource,
  type AdvisoryStatus,
  advisoryInputs,
  advisoryStatus,
  defaultAdvisorySources,
  type ImportResult,
  importAdvisories,
  type Mirror,
  mirrorAt,
  parseAdvisorySources,
  type UpdateResult,
  updateAdvisories,
} from '../../scanner/index.ts';
import { type Acting, actAsOwner, actingAsOwner } from '../admin/act-as.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { noteLastUpdate } from './last-update.ts';

export interface AdvisoriesOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  /** Used instead of the file in the data folder. */
  readonly advisories?: string | undefined;
}

export interface AdvisoriesChangeOptions extends AdvisoriesOptions {
  readonly progress?: (progress: AdvisoryProgress) => void;
  readonly signal?: AbortSignal;
}

/** Absolute. */
export async function advisoriesPath(options: AdvisoriesOptions): Promise<string> {
  if (options.advisories !== undefined) return resolve(options.advisories);
  return gatePaths((await loadConfig(options)).dataDir).advisories;
}

/** The folder whose owner gets the file: the file's own folder possibly does not exist yet. */
async function ownersFolder(options: AdvisoriesOptions): Promise<string> {
  if (options.advisories !== undefined) return dirname(resolve(options.advisories));
  return (await loadConfig(options)).dataDir;
}

export interface AdvisoriesUpdateOptions extends AdvisoriesChangeOptions {
  /** Path of a list of sources; undefined: the one in the configuration, or Ward's own. */
  readonly sources?: string | undefined;
  /** A mirror's URL or folder; undefined: the one in the configuration, or none. */
  readonly from?: string | undefined;
  /** Path of the key that signs the mirror; undefined: the one in the configuration, or none. */
  readonly key?: string | undefined;
  readonly acceptsFewer?: boolean | undefined;
  /** Names of sources, or prefixes of such names; empty: all sources. */
  readonly only: readonly string[];
}

/**
 * Downloads what has changed, and imports it.
 * @throws Fault ADVISORY_SOURCES_INVALID, FLAG_INVALID when no source has that name, KEY_INVALID, ADVISORIES_UNREACHABLE,
 *   ADVISORIES_UNTRUSTED
 */
export async function updateAdvisoryFile(options: AdvisoriesUpdateOptions): Promise<UpdateResult> {
  const { advisories: configured } = await loadConfig(options);
  return await updateAs({
    ...options,
    sources: options.sources ?? configured.sources,
    from: options.from ?? configured.from,
    key: options.key ?? configured.key,
  });
}

/** Updates without the rest of the configuration; records an update of all sources. */
export async function updateAs(options: AdvisoriesUpdateOptions): Promise<UpdateResult> {
  const { progress, signal, acceptsFewer, only } = options;
  const path = await advisoriesPath(options);
  const note = async (failed: readonly string[], reason?: string) => {
    const endedAt = new Date().toISOString();
    if (only.length === 0) await noteLastUpdate(path, { endedAt, failed: [...failed], reason });
  };
  try {
    const sources = pick(await sourcesAt(options.sources), only);
    const mirror = await mirrorOf(options.from, options.key);
    return await actingAsOwner(await ownersFolder(options), async () => {
      const result = await updateAdvisories({ path, sources, mirror, acceptsFewer, progress, signal });
      await note(result.sources.filter(({ outcome }) => outcome === 'failed').map(({ source }) => source));
      return result;
    });
  } catch (error) {
    if (isFault(error) && error.code !== 'ADVISORIES_BUSY')
      await actingAsOwner(await ownersFolder(options), () => note([], error.message));
    throw error;
  }
}

/**
 * The sources of advisories: the list at a path, the one in the configuration, or Ward's own.
 * @throws Fault ADVISORY_SOURCES_INVALID
 */
export async function listAdvisorySources(
  options: AdvisoriesOptions & { readonly sources?: string | undefined },
): Promise<readonly AdvisorySource[]> {
  return await sourcesAt(options.sources ?? (await loadConfig(options)).advisories.sources);
}

async function sourcesAt(list: string | undefined): Promise<readonly AdvisorySource[]> {
  return list === undefined ? defaultAdvisorySources() : parseAdvisorySources(await textOf(list));
}

async function mirrorOf(from: string | undefined, key: string | undefined): Promise<Mirror | undefined> {
  if (from !== undefined)
    return mirrorAt(from, key === undefined ? undefined : readTrustedKey(await textOf(key)).verify);
  if (key === undefined) return undefined;
  throw serverFault('FLAG_INVALID', 'a key was given, but no mirror', {
    hint: 'name the mirror with --from URL|DIR, or as advisories.from in the configuration',
  });
}

const longestText = 1024 * 1024;

async function textOf(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    if (text.length <= longestText) return text;
    throw new Error('it is too long');
  } catch (cause) {
    throw serverFault('FLAG_INVALID', `${path} can't be read: ${messageOf(cause)}`, { cause });
  }
}

function pick(all: readonly AdvisorySource[], only: readonly string[]): readonly AdvisorySource[] {
  if (only.length === 0) return all;
  const isIn = ({ name }: AdvisorySource, wanted: string) => name === wanted || name.startsWith(`${wanted}/`);
  const unknown = only.find((wanted) => !all.some((source) => isIn(source, wanted)));
  if (unknown === undefined) return all.filter((source) => only.some((wanted) => isIn(source, wanted)));
  throw serverFault('FLAG_INVALID', `the source '${unknown}' does not exist`, {
    hint: `one of ${all.map(({ name }) => name).join(', ')}`,
  });
}

/**
 * Imports files, and all files in folders. Works as the owner of the data folder, and passes on copies of files that
 * this user can't read.
 * @throws Fault ADVISORY_FILE_INVALID and others of the scanner; the earlier content then stays
 */
export async function importAdvisoryFiles(
  options: AdvisoriesChangeOptions,
  files: readonly string[],
): Promise<ImportResult> {
  const path = await advisoriesPath(options);
  const inputs: AdvisoryInput[] = [];
  for (const file of files) inputs.push(...(await advisoryInputs(file)));
  const { progress, signal } = options;
  using acting = actAsOwner(await ownersFolder(options));
  await using copies = new AsyncDisposableStack();
  const readable = await lendCopies(inputs, acting, copies);
  return await importAdvisories({ path, inputs: readable, progress, signal });
}

async function lendCopies(
  inputs: readonly AdvisoryInput[],
  { aside }: Acting,
  copies: AsyncDisposableStack,
): Promise<readonly AdvisoryInput[]> {
  const closed = inputs.filter(({ path }) => !canRead(path));
  if (closed.length === 0) return inputs;
  const gid = process.getegid?.() ?? 0;
  const copied = new Map<string, string>();
  await aside(async () => {
    // It belongs to root, so that no other user can plant a link; the owner's group can read it.
    const folder = await mkdtemp(join(tmpdir(), 'ward-advisories-'));
    copies.defer(() => aside(() => rm(folder, { recursive: true })));
    for (const [index, { path }] of closed.entries()) {
      const copy = join(folder, `${index}-${basename(path)}`);
      copied.set(path, copy);
      await copyFile(path, copy);
      await chown(copy, 0, gid);
      await chmod(copy, 0o640);
    }
    await chown(folder, 0, gid);
    await chmod(folder, 0o710);
  });
  return inputs.map((input) => ({ ...input, path: copied.get(input.path) ?? input.path }));
}

function canRead(path: string): boolean {
  try {
    closeSync(openSync(path, 'r'));
    return true;
  } catch {
    return false;
  }
}

/** @throws Fault DATA_DIR_EMPTY when the file is missing, ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED */
export async function showAdvisories(options: AdvisoriesOptions): Promise<AdvisoryStatus> {
  const path = await advisoriesPath(options);
  using _acting = actAsOwner(await ownersFolder(options));
  const status = advisoryStatus({ path });
  if (status !== undefined) return status;
  throw serverFault('DATA_DIR_EMPTY', `${path} has no advisories`, {
    hint: 'get them with ward advisories update, or ward advisories import FILE',
  });
}
