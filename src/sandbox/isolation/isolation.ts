/**
 * Ward's own isolation from the host. Every process that makes sandboxes runs in a mount and a pid namespace of its
 * own. So its mounts are invisible outside and vanish with it, and `kill -9` of any part of it ends every sandbox at
 * once. It enters the namespaces by replacing its image (`execve`), so the caller's pid, terminal and stdio stay the
 * same.
 *
 * Mounts propagate one way. Mounts and unmounts of the host arrive, so that Ward's copies don't keep a file system busy
 * that the host is done with. Mounts of Ward never get out (mount_namespaces(7), MS_SLAVE).
 *
 *   this pid: sh supervise.sh                  (outer, on the host)
 *     └ pid 1 of the new namespace: sh supervise.sh   (hears of the outer one's death: PR_SET_PDEATHSIG)
 *         └ the command
 *
 * On a hybrid cgroup host, the second hierarchy is hidden inside, because crun refuses to run beside it.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxFault } from '../faults.ts';
import { readMounts } from '../host/mounts.ts';

const unshare = '/usr/bin/unshare';
const setpriv = '/usr/bin/setpriv';

/**
 * Replaces this process by `argv`, run inside namespaces of its own. Never returns.
 * @param argv The program (absolute path) and its arguments; usually `process.execPath` and the caller's own.
 * @param through Words before the command that enters the namespaces: a program that becomes the command after them.
 * @throws Fault HOST_UNFIT when the process is not root or util-linux is missing.
 */
export function enterIsolation(argv: readonly string[], through: readonly string[] = []): never {
  if (process.geteuid?.() !== 0) {
    throw sandboxFault('HOST_UNFIT', 'making sandboxes needs root: namespaces, mounts and cgroups', {
      hint: 'run this command as root, for example with sudo',
    });
  }
  for (const program of [unshare, setpriv, '/bin/sh']) {
    if (!existsSync(program)) {
      throw sandboxFault('HOST_UNFIT', `${program} is missing`, { hint: 'apt-get install util-linux' });
    }
  }
  const execve = process.execve;
  if (execve === undefined) {
    throw sandboxFault('HOST_UNFIT', `Node ${process.version} can't replace its own process`, {
      hint: 'run Ward with Node 24 or later',
    });
  }
  const words = [...through, ...isolationArgv(argv)];
  execve.call(process, words[0] ?? unshare, words, definedEnv());
  throw sandboxFault('HOST_UNFIT', `${unshare} could not be started`);
}

function isolationArgv(argv: readonly string[]): string[] {
  const supervise = join(import.meta.dirname, 'supervise.sh');
  const enter = join(import.meta.dirname, 'enter.sh');
  return [
    ...[unshare, '--mount', '--propagation', 'slave', '--pid', '--'],
    ...['/bin/sh', supervise, 'outside', setpriv, '--pdeathsig', 'KILL', '--'],
    ...['/bin/sh', enter, supervise, ...mountsToHide(), '--', ...argv],
  ];
}

/** The cgroup v2 mounts of a host whose controllers are on v1. */
function mountsToHide(): readonly string[] {
  const mounts = readMounts();
  if (!mounts.some((mount) => mount.type === 'cgroup')) return [];
  return mounts.filter((mount) => mount.type === 'cgroup2').map((mount) => mount.path);
}

function definedEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
