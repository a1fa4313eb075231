/**
 * Finds what earlier Wards have left in the kernel: control groups without a process, and AppArmor profiles. The
 * uninstaller uses it after it has made sure that no Ward runs; the groups of a running one are never empty, and stay.
 */
import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../lib/index.ts';
import { readPids, removeGroup } from '../cgroup/files.ts';
import { parseProfiles } from './inspect.ts';
import { readMounts } from './mounts.ts';

export interface WardTraces {
  /** `/sys/fs/cgroup/…/ward`, in each hierarchy that has one. */
  readonly groups: readonly string[];
  /** Names of loaded AppArmor profiles. */
  readonly profiles: readonly string[];
}

export interface TracePlaces {
  /** Mount points from /proc/self/mounts. */
  readonly mountsFile?: string;
  readonly appArmorDir?: string;
}

const appArmor = '/sys/kernel/security/apparmor';
/** Matches the names that `lsm/apparmor-profile.ts` gives. */
const profileName = /^ward\.[^.]+\.[0-9a-f]{12}$/;

export async function findTraces(places: TracePlaces = {}): Promise<WardTraces> {
  const hierarchies = readMounts(places.mountsFile).filter(({ type }) => type.startsWith('cgroup'));
  const groups = hierarchies.map(({ path }) => join(path, 'ward')).filter((path) => existsSync(path));
  const loaded = await readFile(join(places.appArmorDir ?? appArmor, 'profiles'), 'utf8').catch(() => '');
  const profiles = [...parseProfiles(loaded)].filter((name) => profileName.test(name));
  return { groups: [...new Set(groups)], profiles };
}

/** Removes them; returns those that stay because they are in use. */
export async function removeTraces(traces: WardTraces, places: TracePlaces = {}): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const group of traces.groups) if (!(await removeEmptyGroup(group))) kept.push(group);
  for (const name of traces.profiles) {
    await writeFile(join(places.appArmorDir ?? appArmor, '.remove'), name).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') kept.push(`the AppArmor profile ${name}`);
    });
  }
  return kept;
}

async function removeEmptyGroup(group: string): Promise<boolean> {
  if (readPids(group).length > 0) return false;
  await removeGroup(group).catch(() => {});
  return !existsSync(group) || readdirSync(group).length === 0;
}
