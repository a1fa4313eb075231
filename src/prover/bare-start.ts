/**
 * Starts sandboxes without Ward's rules: runc with any configuration, for comparisons and for runs without controls.
 * Roots are overlays below one folder, in Ward's own mount namespace, and go with it.
 */
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun, randomHex, runCommand, startCommand } from '../lib/index.ts';
import {
  type Cgroup,
  joinSandbox,
  type LocalSandboxHost,
  openCgroupTree,
  runtimeDrivers,
  runtimeProcessOf,
  type SandboxRequest,
  shiftingClocks,
  superviseSandbox,
} from '../sandbox/index.ts';
import { proverFault } from './faults.ts';
import type { Start } from './program.ts';

interface BareStartOptions {
  readonly host: LocalSandboxHost;
  /** The host's instance, which owns the control groups. */
  readonly instance: string;
  readonly rootDir: string;
  /** A folder on a tmpfs, for roots and the runtime's state. */
  readonly folder: string;
  /** Prefix of the sandboxes' ids. */
  readonly name: string;
  /** Ids of the user namespace. Without one, the machine's settings are read-only even to the runtime. */
  readonly ids?: BareIds;
  readonly hasTimeNamespace?: boolean;
}

interface BareIds {
  readonly firstId: number;
  /** Owner of some of the image's files, which are copied to change their owner. */
  readonly userId: number;
}

interface BarePlace {
  readonly rootDir: string;
  readonly cgroupPath: string;
  /** A process of another such sandbox, if one runs. */
  readonly neighbourPid: number | undefined;
}

/** @throws Fault COMPARISON_UNFIT */
export async function openBareStart(
  { host, instance, rootDir, folder, name, ids, hasTimeNamespace = false }: BareStartOptions,
  specOf: (request: SandboxRequest, place: BarePlace) => object,
): Promise<Start> {
  const runtime = await host.runtime('runc');
  if (runtime === undefined) {
    throw proverFault('COMPARISON_UNFIT', 'the comparison needs runc, which accepts any configuration', {
      hint: 'apt-get install runc',
    });
  }
  const wrapper = ids === undefined ? guard : [];
  const driver = runtimeDrivers.runc;
  const tree = openCgroupTree(host.features.cgroup, instance);
  const running = new Set<Cgroup>();
  return async (request) => {
    const id = `${name}-${randomHex(6)}`;
    const bundleDir = join(folder, id);
    const root = await mountWritable(rootDir, bundleDir, ids);
    const paths = { id, bundleDir, stateDir: join(folder, 'runc'), logFile: join(bundleDir, 'runtime.log') };
    const spec = specOf(request, {
      rootDir: root,
      cgroupPath: tree.ociPath(id),
      neighbourPid: [...running].flatMap((group) => group.pids())[0],
    });
    await writeFile(join(bundleDir, 'config.json'), JSON.stringify(spec));
    const cgroup = tree.group(id);
    running.add(cgroup);
    const argv = driver.runArgv(runtime, paths, false);
    // runc starts in a time namespace with shifted clocks, which its sandboxes inherit.
    const own = hasTimeNamespace ? shiftingClocks(argv) : argv;
    const child = startCommand([...wrapper, ...own], {
      cwd: bundleDir,
      env: runtimeEnv,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    await once(child, 'spawn');
    const runtimeProcess = runtimeProcessOf(child, false);
    const supervised = superviseSandbox({
      ...{ id, driver, cgroup, bundleDir, ownerId: ids?.firstId ?? 0 },
      process: runtimeProcess,
      logFile: paths.logFile,
      policy: request.policy,
      async remove() {
        running.delete(cgroup);
        await cgroup.kill();
        await runCommand(driver.deleteArgv(runtime, paths), { env: runtimeEnv, timeoutMs: 20_000 });
        await cgroup.remove();
        await mustRun(['umount', '--lazy', root]);
        await rm(bundleDir, { recursive: true, force: true });
      },
    });
    return joinSandbox(supervised, runtimeProcess, { policy: request.policy, onViolation: () => {} });
  };
}

/** Mounts the image's root writable, as containers have it. */
async function mountWritable(lower: string, bundleDir: string, ids: BareIds | undefined): Promise<string> {
  const [root, upper, work] = [join(bundleDir, 'root'), join(bundleDir, 'upper'), join(bundleDir, 'work')];
  for (const path of [root, upper, work]) await mkdir(path, { recursive: true, mode: 0o755 });
  if (ids !== undefined) await fillUpper(lower, upper, ids);
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await mustRun(['mount', '-t', 'overlay', '-o', layers, 'overlay', root]);
  return root;
}

const ownFolders = ['', 'etc', 'fn', 'usr/lib/python3.13'];
const ownFiles = ['usr/lib/python3.13/os.py', 'usr/bin/python3.13'];

async function fillUpper(lower: string, upper: string, { firstId, userId }: BareIds): Promise<void> {
  for (const path of ownFolders) {
    await mkdir(join(upper, path), { recursive: true, mode: 0o755 });
    await chown(join(upper, path), userId, userId);
  }
  for (const path of ownFiles) {
    await mkdir(dirname(join(upper, path)), { recursive: true, mode: 0o755 });
    await copyFile(join(lower, path), join(upper, path));
    await chown(join(upper, path), userId, userId);
  }
  const setuid = join(upper, 'usr/bin/ward-prove-setuid');
  await writeFile(setuid, '');
  await chown(setuid, firstId, firstId);
  await chmod(setuid, 0o4755);
}

const guard = [
  '/usr/bin/unshare',
  ...['--mount', '--propagation', 'private', '--'],
  ...['/bin/sh', join(import.meta.dirname, 'guard.sh')],
];
const runtimeEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
