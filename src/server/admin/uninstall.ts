/**
 * `ward uninstall`: finds and removes what Ward and its set-up have put on this machine outside of the checkout.
 * Removes only files that are known to be Ward's; other files in a data folder stay, and are listed. Does nothing
 * while a Ward runs, and holds the locks, so that no Ward starts meanwhile.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { type FileLock, isJsonObject, mustRun, tryFileLock } from '../../lib/index.ts';
import {
  findTraces,
  readMounts,
  removeRecording,
  removeTraces,
  type WardTraces,
} from '../../sandbox/index.ts';
import { checkout } from '../build-info.ts';
import { defaultDataDir, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { accountIsThere, accountName } from '../instance/account.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { learnDir, locksDir, runDir } from '../instance/instance-locks.ts';

export interface UninstallOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  /** Leaves data folders and the image store. */
  readonly keepData: boolean;
}

export interface Removal {
  readonly what: string;
  /** A path, or the name of a profile or a user. */
  readonly place: string;
}

export interface UninstallPlan {
  readonly removals: readonly Removal[];
  /** What stays for the user to decide on, one sentence each. */
  readonly stays: readonly string[];
  /** Debian packages that the set-up installed. */
  readonly packages: readonly string[];
}

export interface Uninstalling extends Disposable {
  readonly plan: UninstallPlan;
  /** Removes everything in the plan and releases the locks; returns a sentence for each thing that could not be removed. */
  perform(): Promise<readonly string[]>;
}

/** The cache of the tests. */
const testCache = '/var/cache/ward';
const recordName = 'set-up.json';
/** The second line of the launcher that `scripts/setup/link.mjs` writes. */
const launcherMark = '# Ward’s launcher, made by its set-up;';
/** Files that docs/operations.md tells operators to create. */
const byHand = [
  ...['ward.service', 'ward.socket', 'ward.slice', 'ward-api.service', 'ward-invoker.service'].map(
    (unit) => `/etc/systemd/system/${unit}`,
  ),
  ...['/etc/ward', '/etc/ward.yaml'],
];

/** @throws Fault UNINSTALL_REFUSED, WARD_RUNNING, CONFIG_INVALID */
export async function openUninstalling(options: UninstallOptions): Promise<Uninstalling> {
  if (process.geteuid?.() !== 0)
    throw serverFault('UNINSTALL_REFUSED', 'only root can remove Ward from this machine', {
      hint: 'sudo ward uninstall',
    });
  using locks = new DisposableStack();
  for (const lock of holdAll()) locks.use(lock);
  const { dataDir, imagesDir } = await loadConfig(options);
  const dataDirs = [...new Set([defaultDataDir, dataDir])].filter((dir) => existsSync(dir)).map(checkDataDir);
  for (const dir of dataDirs) {
    const { lock } = dataPaths(dir);
    if (existsSync(lock)) locks.use(lockOrRefuse(lock, dir));
  }
  const record = readRecord(process.env['WARD_SETUP_RECORD'] ?? join(defaultDataDir, recordName));
  const launchers = launchersOf(record.launchers);
  const traces = await findTraces();
  const data = options.keepData ? [] : dataRemovals(dataDirs, imagesDir);
  const account = await planAccount(record.accounts, options.keepData);
  const others = [runDir, testCache, join(checkout, '.cache'), ...compileCaches()];
  const removals: Removal[] = [
    ...launchers.map((place) => ({ what: 'command', place })),
    ...data,
    ...others.filter((path) => existsSync(path)).map((place) => ({ what: 'working files', place })),
    ...traces.groups.map((place) => ({ what: 'control groups', place })),
    ...traces.profiles.map((place) => ({ what: 'AppArmor profile', place })),
    ...account.goes.map((place) => ({ what: 'user and group', place })),
  ];
  refuseMounts(removals);
  const held = locks.move();
  return {
    plan: { removals, stays: [...staying(dataDirs, options), ...account.stays], packages: record.packages },
    perform: () =>
      perform({ removals, traces, dataDirs: options.keepData ? [] : dataDirs, accounts: account.goes, held }),
    [Symbol.dispose]: () => held.dispose(),
  };
}

interface Work {
  readonly removals: readonly Removal[];
  readonly traces: WardTraces;
  readonly dataDirs: readonly string[];
  readonly accounts: readonly string[];
  readonly held: Disposable;
}

async function perform({ removals, traces, dataDirs, accounts, held }: Work): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { place } of removals) {
    if (!place.startsWith('/') || traces.groups.includes(place)) continue;
    // The locks are in the folders that are removed last.
    if (place === runDir) continue;
    await rm(place, { recursive: true, force: true }).catch((error) =>
      failed.push(`${place}: ${error.message}`),
    );
  }
  for (const instance of existsSync(learnDir) ? readdirSync(learnDir) : [])
    await removeRecording(instance).catch((error) => failed.push(error.message));
  for (const kept of await removeTraces(traces)) failed.push(`${kept} is in use`);
  for (const account of accounts)
    await mustRun(['userdel', account]).catch((error) => failed.push(error.message));
  held[Symbol.dispose]();
  await rm(runDir, { recursive: true, force: true }).catch((error) =>
    failed.push(`${runDir}: ${error.message}`),
  );
  for (const dir of dataDirs) {
    for (const lock of lockFilesOf(dir)) await rm(lock, { force: true });
    await rmdir(dir).catch(() => {
      if (existsSync(dir)) failed.push(`${dir}: Ward did not make ${readdirSync(dir).join(', ')}`);
    });
  }
  return failed;
}

/** The locks of every Ward, and of every sandbox run by hand, that this machine knows of. */
function holdAll(): FileLock[] {
  const names = existsSync(locksDir)
    ? readdirSync(locksDir).filter((name) => !name.includes('-journal'))
    : [];
  return names.map((name) => lockOrRefuse(join(locksDir, name), name));
}

function lockOrRefuse(path: string, whose: string): FileLock {
  const lock = tryFileLock(path);
  if (lock !== undefined) return lock;
  throw serverFault('WARD_RUNNING', `a Ward is running: ${whose}`, {
    hint: 'stop it first (systemctl disable --now ward, or Ctrl-C where it runs), and sandboxes started by hand',
  });
}

/** Accepts a path that is or would be a data folder of Ward, and no other folder. */
function checkDataDir(given: string): string {
  const dir = realpathSync(given);
  const paths = dataPaths(dir);
  const signs = [
    paths.lock,
    paths.database,
    paths.guestKey,
    join(dir, recordName),
    join(dir, 'images/build'),
  ];
  if (dir === defaultDataDir || signs.some((path) => existsSync(path))) return dir;
  throw serverFault(
    'UNINSTALL_REFUSED',
    `${dir} is not a data folder of Ward: it holds none of Ward’s files`,
    {
      hint: 'name the folder that you gave to ward up --data',
    },
  );
}

function dataRemovals(dataDirs: readonly string[], imagesDir: string): Removal[] {
  const usual = join(defaultDataDir, 'images');
  const stores = [...new Set([usual, imagesDir])].filter(
    (dir) => existsSync(dir) && (dir === usual || existsSync(join(dir, 'build', 'stamp.json'))),
  );
  return [
    ...stores.map((place) => ({ what: 'image store', place })),
    ...dataDirs.flatMap((dir) =>
      readdirSync(dir)
        .map((name) => join(dir, name))
        .filter((path) => knownIn(dir).has(path) && path !== dataPaths(dir).lock)
        .map((place) => ({ what: 'data', place })),
    ),
  ];
}

/** Caches of the server, the command line and the scanner. */
function compileCaches(): string[] {
  return ['ward', 'ward-scan', 'ward-scan.filled'].map((name) => join(checkout, 'node_modules/.cache', name));
}

/** The first components of all paths that Ward uses in a data folder. */
function knownIn(dir: string): ReadonlySet<string> {
  const paths = [...Object.values(dataPaths(dir)), ...Object.values(gatePaths(dir)), join(dir, recordName)];
  return new Set(paths.map((path) => join(dir, relative(dir, path).split('/')[0] ?? '')));
}

function lockFilesOf(dir: string): string[] {
  const { lock } = dataPaths(dir);
  return [lock, `${lock}-journal`];
}

const recordSchema = z.object({
  // Shown in a command for the user to type.
  packages: z
    .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/))
    .max(1000)
    .catch([]),
  launchers: z.array(z.string()).max(1000).catch([]),
  accounts: z.array(z.string()).max(10).catch([]),
});

/** Reads only files that belong to root: their folder may belong to the server. */
function readRecord(path: string): z.infer<typeof recordSchema> {
  try {
    if (lstatSync(path).uid !== 0) return { packages: [], launchers: [], accounts: [] };
    const text: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return recordSchema.parse(isJsonObject(text) ? text : {});
  } catch {
    return { packages: [], launchers: [], accounts: [] };
  }
}

/** Launchers that the set-up wrote; other programs of the same name stay. */
function launchersOf(recorded: readonly string[]): string[] {
  return [...new Set(['/usr/local/bin/ward', ...recorded])].filter((path) => {
    const isFile = lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
    return isFile && readFileSync(path, 'utf8').split('\n')[1]?.startsWith(launcherMark) === true;
  });
}

interface AccountPlan {
  readonly goes: readonly string[];
  readonly stays: readonly string[];
}

/** Removes the user if the set-up created it, and only after all its files: another user may get its number. */
async function planAccount(recorded: readonly string[], keepData: boolean): Promise<AccountPlan> {
  if (!(await accountIsThere())) return { goes: [], stays: [] };
  if (keepData) return { goes: [], stays: [`the user ${accountName}, whose data stays`] };
  if (recorded.includes(accountName)) return { goes: [accountName], stays: [] };
  return { goes: [], stays: [`the user ${accountName}, which the set-up did not make`] };
}

function staying(dataDirs: readonly string[], { keepData }: UninstallOptions): string[] {
  const settings = join(homedir(), '.wskprops');
  return [
    ...(keepData ? dataDirs.map((dir) => `${dir}, because of --keep-data`) : strangersIn(dataDirs)),
    ...byHand.filter((path) => existsSync(path)).map((path) => `${path}, which Ward did not make`),
    ...(existsSync(settings) ? [`${settings}, which other clients of OpenWhisk also read`] : []),
    `the checkout: rm -rf ${checkout}`,
  ];
}

function strangersIn(dataDirs: readonly string[]): string[] {
  return dataDirs.flatMap((dir) =>
    readdirSync(dir)
      .map((name) => join(dir, name))
      .filter((path) => !knownIn(dir).has(path) && !lockFilesOf(dir).includes(path))
      .filter((path) => path !== join(defaultDataDir, 'images'))
      .map((path) => `${path}, which Ward did not make`),
  );
}

/** Refuses mounts below: they belong to something else. */
function refuseMounts(removals: readonly Removal[]): void {
  const mounted = readMounts().map(({ path }) => path);
  for (const { what, place } of removals) {
    const inside =
      what === 'control groups' ? undefined : mounted.find((path) => path.startsWith(`${place}/`));
    if (inside !== undefined)
      throw serverFault('UNINSTALL_REFUSED', `something is mounted in ${place}: ${inside}`, {
        hint: `umount ${inside}`,
      });
  }
}
