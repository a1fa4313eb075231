/** The file of advisories of a data folder, or another one: taking in more, and what is in it. */
import { dirname, resolve } from 'node:path';
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
  parseAdvisorySources,
  type UpdateResult,
  updateAdvisories,
} from '../scanner/index.ts';
import { actAsOwner, actingAsOwner } from './act-as.ts';
import { loadConfig } from './config.ts';
import { serverFault } from './faults.ts';
import { gatePaths } from './gate-paths.ts';

export interface AdvisoriesOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  /** Instead of the one in the data folder. */
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

/** The one whose owner the file belongs to: its own may be missing yet. */
async function ownersFolder(options: AdvisoriesOptions): Promise<string> {
  if (options.advisories !== undefined) return dirname(resolve(options.advisories));
  return (await loadConfig(options)).dataDir;
}

export interface AdvisoriesUpdateOptions extends AdvisoriesChangeOptions {
  /** Text of a list of sources; undefined: Ward's own. */
  readonly sources?: string | undefined;
  /** Names, each of a source or of what it lies below; none: all. */
  readonly only: readonly string[];
}

/**
 * Downloads what has changed, and takes it in.
 * @throws Fault ADVISORY_SOURCES_INVALID, FLAG_INVALID when no source is called so, ADVISORIES_UNREACHABLE
 */
export async function updateAdvisoryFile(options: AdvisoriesUpdateOptions): Promise<UpdateResult> {
  const all =
    options.sources === undefined ? defaultAdvisorySources() : parseAdvisorySources(options.sources);
  const sources = pick(all, options.only);
  const { progress, signal } = options;
  const path = await advisoriesPath(options);
  const update = () => updateAdvisories({ path, sources, progress, signal });
  return await actingAsOwner(await ownersFolder(options), update);
}

function pick(all: readonly AdvisorySource[], only: readonly string[]): readonly AdvisorySource[] {
  if (only.length === 0) return all;
  const isIn = ({ name }: AdvisorySource, wanted: string) => name === wanted || name.startsWith(`${wanted}/`);
  const unknown = only.find((wanted) => !all.some((source) => isIn(source, wanted)));
  if (unknown === undefined) return all.filter((source) => only.some((wanted) => isIn(source, wanted)));
  throw serverFault('FLAG_INVALID', `there is no source '${unknown}'`, {
    hint: `one of ${all.map(({ name }) => name).join(', ')}`,
  });
}

/**
 * Takes in files, and all files of folders. The owner of the data folder reads them.
 * @throws Fault ADVISORY_FILE_INVALID and others of the scanner; what was there before then stays
 */
export async function importAdvisoryFiles(
  options: AdvisoriesChangeOptions,
  files: readonly string[],
): Promise<ImportResult> {
  const path = await advisoriesPath(options);
  const inputs: AdvisoryInput[] = [];
  for (const file of files) inputs.push(...(await advisoryInputs(file)));
  const { progress, signal } = options;
  const take = () => importAdvisories({ path, inputs, progress, signal });
  return await actingAsOwner(await ownersFolder(options), take);
}

/** @throws Fault DATA_DIR_EMPTY when there are none, ADVISORIES_CORRUPT, ADVISORIES_UNSUPPORTED */
export async function showAdvisories(options: AdvisoriesOptions): Promise<AdvisoryStatus> {
  const path = await advisoriesPath(options);
  using _acting = actAsOwner(await ownersFolder(options));
  const status = advisoryStatus({ path });
  if (status !== undefined) return status;
  throw serverFault('DATA_DIR_EMPTY', `there are no advisories in ${path}`, {
    hint: 'get some with ward advisories update, or ward advisories import FILE',
  });
}
