/**
 * Tests the confinement of Ward's own processes for `ward doctor`. In a copy of each confinement, a program tries
 * what a compromised process must not be able to do. Root tries the same: an attempt that this host refuses even to
 * root proves nothing.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { confineUnpacker } from '../../images/index.ts';
import {
  findWalls,
  makeTargets,
  serverArgv,
  type TakenOverAnswers,
  type Targets,
  tryAsRoot,
  tryAsTakenOver,
  wasHeld,
} from '../../keeper/index.ts';
import {
  findAbilities,
  isFault,
  messageOf,
  scanId,
  systemCallFilterHere,
  type UserIds,
  unownedId,
} from '../../lib/index.ts';
import { confineScan } from '../../scanner/index.ts';
import { type ServerAccount, serverAccount } from '../instance/account.ts';
import { rightsOf, type ServerPlan } from '../processes/server-process.ts';

/** A wall around one of Ward's own processes. */
export interface ProcessRow {
  readonly name: string;
  readonly vector: 'ward itself';
  readonly required: boolean;
  readonly available: boolean;
  /** What the wall is, or how to get it when the host lacks it. */
  readonly chosen: string;
  readonly proven: 'yes' | 'no' | 'skipped';
  readonly evidence: string;
}

interface Wall {
  readonly name: string;
  readonly holds: string;
  /** Attempts of `taken-over.pl`. */
  readonly attempts: readonly string[];
}

/** One kind of process. */
interface Suspect {
  readonly name: string;
  readonly as: UserIds;
  readonly walls: readonly Wall[];
  /** For each wall by name, what to do when this host lacks it. */
  readonly absent: ReadonlyMap<string, string>;
  confine(argv: readonly string[]): readonly string[];
}

type ProcessesContext = Omit<ServerPlan, 'shown' | 'account'>;

const keeper: Wall = {
  name: 'keeper',
  holds: 'its keeper: memory, environment, files, descriptors, trace, signals, namespaces',
  attempts: [
    ...['keeper-memory', 'keeper-environment', 'keeper-root', 'keeper-vm-read', 'keeper-trace'],
    ...['keeper-descriptor', 'keeper-signal', 'namespace-of-keeper'],
  ],
};
const others: Wall = {
  name: 'others',
  holds: 'processes and files of other users',
  attempts: ['stranger-signal', 'stranger-file', 'shadow', 'kept-folder'],
};
const user: Wall = {
  name: 'privileges',
  holds: 'a user without capabilities or new privileges, in no other group',
  attempts: ['become-root', 'groups', 'priority', 'file-handle', 'raw-packets', 'device'],
};
const kernel: Wall = {
  name: 'kernel',
  holds: 'mounts, namespaces, modules, settings of the kernel',
  attempts: [
    ...['mount', 'namespace-mount', 'root-folder', 'module', 'kexec', 'bpf', 'perf', 'kernel-setting'],
  ],
};
const landlock: Wall = {
  name: 'landlock',
  holds: 'writes only below its own folders, whatever modes say',
  attempts: ['shared-folder'],
};
const filter: Wall = {
  name: 'filter',
  holds: 'a filter of system calls: no user namespace, no typing into a terminal',
  attempts: ['namespace-user', 'terminal'],
};
const network: Wall = { name: 'network', holds: 'no network', attempts: ['network', 'devices'] };
/** For a process that reads one thing and lets others start programs for it. */
const unpackerFilter: Wall = {
  name: 'filter',
  holds: `${filter.holds}, no sockets, queues or files in memory`,
  attempts: [...filter.attempts, 'socket', 'queue', 'memory-file'],
};
const scanFilter: Wall = {
  name: 'filter',
  holds: `${unpackerFilter.holds}, no other process`,
  attempts: [...unpackerFilter.attempts, 'process'],
};

const toHaveLandlock = 'a kernel with Landlock, in the list of `lsm=`, and util-linux 2.41 or later';
const toHaveFilter = 'util-linux 2.41 or later, whose setpriv knows --seccomp-filter';
const unrequired: ReadonlySet<string> = new Set([landlock.name, filter.name]);

/** Never rejects: a probe that does not run proves nothing, and reports why. */
export async function proveProcesses(context: ProcessesContext): Promise<readonly ProcessRow[]> {
  // Starts it like the keeper, if the server's user exists.
  const gid = await serverAccount().then(
    (account) => account.gid,
    () => scanId,
  );
  const unowned = unownedId();
  return [
    ...(await rowsOr('server', serverWalls, () => proveServer(context))),
    ...(await rowsOr('scan', scanWalls, () =>
      proveHelper({ name: 'scan', as: { uid: scanId, gid }, walls: scanWalls }, confineScan),
    )),
    ...(await rowsOr('unpacker', unpackerWalls, () =>
      proveHelper(
        { name: 'unpacker', as: { uid: unowned, gid: unowned }, walls: unpackerWalls },
        confineUnpacker,
      ),
    )),
  ];
}

const serverWalls: readonly Wall[] = [user, keeper, others, kernel, landlock, filter];
const helperWalls: readonly Wall[] = [user, keeper, others, kernel, landlock, network];
export const scanWalls: readonly Wall[] = [...helperWalls, scanFilter];
const unpackerWalls: readonly Wall[] = [...helperWalls, unpackerFilter];

async function rowsOr(
  name: string,
  walls: readonly Wall[],
  prove: () => Promise<readonly ProcessRow[]>,
): Promise<readonly ProcessRow[]> {
  try {
    return await prove();
  } catch (error) {
    const evidence = messageOf(error);
    const chosen = (isFault(error) && error.hint) || evidence;
    return walls.map((wall) => ({
      ...headOf(name, wall),
      ...{ available: false, chosen, proven: 'skipped', evidence },
    }));
  }
}

async function proveServer(context: ProcessesContext): Promise<readonly ProcessRow[]> {
  const account: ServerAccount = await serverAccount();
  await using targets = await makeTargets(account.uid);
  const filterFile = join(targets.kept, 'server.bpf');
  await writeFile(filterFile, systemCallFilterHere(), { mode: 0o600 });
  const walls = await findWalls(filterFile);
  const plan = { ...rightsOf({ ...context, account }, []), filterFile };
  return await tryOn(targets, {
    ...{ name: 'server', as: account, walls: serverWalls },
    absent: absentWalls(walls.landlock, walls.seccomp),
    confine: (argv) => serverArgv({ ...plan, argv }, walls),
  });
}

async function proveHelper(
  helper: Pick<Suspect, 'name' | 'as' | 'walls'>,
  confine: (as: UserIds) => Promise<readonly string[]>,
): Promise<readonly ProcessRow[]> {
  await using targets = await makeTargets(helper.as.uid);
  await using server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const words = await confine(helper.as);
  const { hasLandlock, hasFilter } = await findAbilities();
  return await tryOn(
    { ...targets, port },
    {
      ...helper,
      absent: absentWalls(hasLandlock, hasFilter),
      confine: (argv) => [...words, ...argv],
    },
  );
}

function absentWalls(hasLandlock: boolean, hasFilter: boolean): ReadonlyMap<string, string> {
  return new Map([
    ...(hasLandlock ? [] : ([[landlock.name, toHaveLandlock]] as const)),
    ...(hasFilter ? [] : ([[filter.name, toHaveFilter]] as const)),
  ]);
}

export async function tryOn(targets: Targets, suspect: Suspect): Promise<readonly ProcessRow[]> {
  const asRoot = await tryAsRoot(targets);
  const answers = await tryAsTakenOver(targets, suspect.confine, targets.folder);
  return suspect.walls.map((wall) => rowOf(suspect, wall, answers, asRoot));
}

/** Pure. */
function rowOf(
  { name, as, absent }: Pick<Suspect, 'name' | 'as' | 'absent'>,
  wall: Wall,
  answers: TakenOverAnswers,
  asRoot: TakenOverAnswers,
): ProcessRow {
  const head = headOf(name, wall);
  const missing = absent.get(wall.name);
  if (missing !== undefined) {
    const evidence = `${wall.attempts.join(', ')} not tried: the host has no such wall`;
    return { ...head, available: false, chosen: `absent; it needs ${missing}`, proven: 'skipped', evidence };
  }
  const held = wall.attempts.filter((each) => wasHeld(each, answers, asRoot) === true);
  const free = wall.attempts.filter((each) => wasHeld(each, answers, asRoot) === false);
  const tried = (how: string, names: readonly string[]) => {
    const said = names.map((each) => `${each} ${answers.get(each) ?? 'nothing'}`).join(', ');
    return said === '' ? [] : [`${how}${said}`];
  };
  const flaws = wall === user ? flawsOf(as, answers) : [];
  const all = { ...head, available: true };
  if (free.length > 0 || flaws.length > 0)
    return { ...all, proven: 'no', evidence: [...flaws, ...tried('not refused: ', free)].join('; ') };
  if (held.length === 0)
    return { ...all, proven: 'skipped', evidence: 'the host refuses the same to root, so it proves nothing' };
  return { ...all, proven: 'yes', evidence: tried('refused: ', held).join() };
}

function headOf(
  process: string,
  { name, holds }: Wall,
): Pick<ProcessRow, 'name' | 'vector' | 'required' | 'chosen'> {
  return {
    name: `${process}-${name}`,
    vector: 'ward itself',
    required: !unrequired.has(name),
    chosen: holds,
  };
}

/** Deviations that the kernel reports about the process. */
function flawsOf({ uid, gid }: UserIds, answers: TakenOverAnswers): readonly string[] {
  const own = (what: string) => answers.get(`own-${what}`) ?? 'unknown';
  const ids = [...new Set([uid, gid])].toSorted((a, b) => a - b).join(',');
  return [
    ...(own('ids') === ids ? [] : [`its ids are ${own('ids')}, not ${ids}`]),
    ...(own('groups') === '0' ? [] : [`it is in ${own('groups')} groups`]),
    ...(own('capabilities') === '0' ? [] : [`it has capabilities: ${own('capabilities')}`]),
    ...(own('no-new-privileges') === '1' ? [] : ['it can get new privileges']),
  ];
}
