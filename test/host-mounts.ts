/** A mount namespace that stands for the host: its mounts are shared, as systemd sets them up on a host. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mustRun, startCommand } from '../src/lib/index.ts';

export interface HostMounts extends AsyncDisposable {
  /** A process in the namespace. */
  readonly pid: number;
  run(...argv: readonly string[]): Promise<string>;
  /** Creates `folder`, mounts a new file system there, and returns its device number in the form of mountinfo(5). */
  mountTmpfs(folder: string): Promise<string>;
  /** Mounts in the namespace, one line each. */
  table(): readonly string[];
}

/** The real host never sees its mounts: none has a peer outside. */
export async function openHostMounts(): Promise<HostMounts> {
  const share = 'mount --make-rshared / && echo ready && exec cat >/dev/null';
  const argv = ['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', share];
  // The process ends when its stdin closes, and so with this process.
  const child = startCommand(argv, { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null || child.pid === undefined) throw new Error('no process was started');
  await once(child.stdout, 'data');
  const { pid } = child;
  const run = (...args: readonly string[]) =>
    mustRun(['nsenter', `--mount=/proc/${pid}/ns/mnt`, '--', ...args]);
  const table = () => mountsOf(String(pid));
  return {
    pid,
    run,
    table,
    async mountTmpfs(folder) {
      await run('mkdir', '-p', folder);
      await run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'test', folder);
      const line = table().find((each) => each.split(' ')[4] === folder);
      return line?.split(' ')[2] ?? '';
    },
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      await once(child, 'exit');
    },
  };
}

/** Lines of mountinfo(5) of a process. */
export function mountsOf(pid: string): readonly string[] {
  return readFileSync(`/proc/${pid}/mountinfo`, 'utf8').split('\n').filter(Boolean);
}

/** Processes in any namespace of the machine that have the file system mounted. */
export function holdersOf(device: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return mountsOf(name).some((line) => line.split(' ')[2] === device);
    } catch {
      // The process has ended.
      return false;
    }
  });
}
