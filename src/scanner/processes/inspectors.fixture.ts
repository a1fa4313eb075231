/** Inspectors of files and configurations for the scan processes of the tests. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { nodeCodeOf } from '../../lib/index.ts';
import { passwordInspector } from '../scanner.fixture.ts';
import type { ConfigInspector, FileInspector, Finding, InspectorSet } from '../types.ts';

/** Targets of the attempts: a file, a folder and a process of the scanning user, and a port of this machine. */
export interface Deeds {
  readonly file: string;
  readonly folder: string;
  readonly pid: number;
  readonly port: number;
}

/** At a file named `hang` it never ends, at `die` it ends the process, at `hungry` it fills the memory. */
const trap: FileInspector = {
  name: 'trap',
  revision: '1',
  inspect: async ({ path, content }) => {
    if (path === 'die') process.exit(3);
    while (path === 'hang');
    const eaten: unknown[] = [];
    while (path === 'hungry') eaten.push(JSON.parse(`[${'[],'.repeat(1_000_000)}[]]`));
    if (path === 'look') return [fact('look', privileges(), path)];
    if (path === 'ends') return [fact('ends', signalled(Number(`${content}`)), path)];
    if (path === 'deeds') return [fact('deeds', await refusals(JSON.parse(`${content}`)), path)];
    return path === 'pid' ? [fact('pid', readlinkSync('/proc/self'), path)] : [];
  },
};

function fact(id: string, title: string, ...paths: readonly string[]): Finding {
  const places = paths.map((path) => ({ path }));
  return { class: 'misconfiguration', id, title, severity: 'low', places, advice: '' };
}

/** The capabilities and the network of the process, read from the kernel, because asking Node would need a socket. */
function privileges(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  const sets = [...status.matchAll(/^Cap(\w+):\s+([0-9a-f]+)$/gm)].map(
    ([, name, bits]) => `${name} ${Number(`0x${bits}`)}`,
  );
  const isBound = /^NoNewPrivs:\s+(\d)$/m.exec(status)?.[1];
  const filter = /^Seccomp:\s+(\d)$/m.exec(status)?.[1];
  const devices = [...readFileSync('/proc/self/net/dev', 'utf8').matchAll(/^ *([^\s:]+):/gm)];
  const network = devices.map(([, name]) => name).join(' ');
  return `${sets.join(', ')}, NoNewPrivs ${isBound}, Seccomp ${filter}, devices: ${network}`;
}

/** Tries to signal a process of the same user. */
function signalled(pid: number): string {
  try {
    process.kill(pid, 0);
    return 'reached';
  } catch (error) {
    return nodeCodeOf(error) ?? String(error);
  }
}

/** The refused attempts, of those that an ordinary process of the user could make. */
async function refusals({ file, folder, pid, port }: Deeds): Promise<string> {
  const deeds: Record<string, () => unknown> = {
    passwords: () => readFileSync('/etc/shadow'),
    read: () => readFileSync(file),
    write: () => writeFileSync(file, ''),
    make: () => rmdirSync(mkdtempSync(join(folder, 'ward-written-'))),
    cache: () => writeFileSync(join(process.env['NODE_COMPILE_CACHE'] ?? '', 'planted'), ''),
    signal: () => process.kill(pid, 0),
    environment: () => readFileSync(`/proc/${pid}/environ`),
    connect: () => once(connect(port, '127.0.0.1'), 'connect'),
    become: () => process.setuid?.(0),
    start: () => {
      const { error } = spawnSync('/bin/true', { stdio: 'ignore' });
      if (error) throw error;
    },
  };
  const refused: string[] = [];
  for (const [name, deed] of Object.entries(deeds)) {
    try {
      await deed();
    } catch {
      refused.push(name);
    }
  }
  return refused.join(' ');
}

/** Never ends if the user is `hang`. */
const root: ConfigInspector = {
  name: 'root',
  revision: '1',
  inspect: ({ user }) => {
    while (user === 'hang');
    return user === 'root' ? [fact('root', '')] : [];
  },
};

/** Fails if the user is `root`. */
const failing: ConfigInspector = {
  name: 'failing',
  revision: '1',
  inspect: ({ user }) => {
    if (user === 'root') throw new Error('out of order');
    return [];
  },
};

export function inspectorsFor(): InspectorSet {
  return { files: [passwordInspector, trap], config: [failing, root] };
}
