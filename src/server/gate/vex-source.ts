/** The operator's VEX documents: read at the start, and again when the folder changes. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readVexFolder, type TrustedVex } from '../../gate/index.ts';
import { errnoOf, type Log, messageOf } from '../../lib/index.ts';

export interface VexSource {
  current(): TrustedVex;
  /** Why the documents can't be read; undefined: they can be. */
  problem(): string | undefined;
  /** Reads the folder again. On failure the earlier documents still apply, and the log has the reason. */
  refresh(): Promise<void>;
}

export async function openVexSource(folder: string, log: Log): Promise<VexSource> {
  let vex: TrustedVex = { revision: '', statements: [] };
  let seen = '';
  let problem: string | undefined;
  const refresh = async (): Promise<void> => {
    const stamp = await stampOfFolder(folder);
    if (stamp === seen) return;
    seen = stamp;
    try {
      vex = await readVexFolder(folder);
      problem = undefined;
    } catch (error) {
      problem = messageOf(error);
      log.error({ folder, reason: problem }, 'VEX documents can’t be read; the previous ones still apply');
    }
  };
  await refresh();
  return { current: () => vex, problem: () => problem, refresh };
}

/** A text that changes with the files in the folder; empty when the folder does not exist. */
async function stampOfFolder(folder: string): Promise<string> {
  const names = (await orUndefined(readdir(folder))) ?? [];
  const stamps: string[] = [];
  for (const name of names.sort()) {
    const found = await orUndefined(stat(join(folder, name), { bigint: true }));
    if (found !== undefined) stamps.push(`${name} ${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`);
  }
  return stamps.join('\n');
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
