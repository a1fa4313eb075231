/** Who looks at files and configurations in the processes of the tests. */
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCodeOf } from '../../lib/index.ts';
import { passwordInspector } from '../scanner.fixture.ts';
import type { ConfigInspector, FileInspector, Finding, InspectorSet } from '../types.ts';

/** With a file that is called `hang` one never ends, with `die` the process does, with `hungry` its memory. */
const trap: FileInspector = {
  name: 'trap',
  revision: '1',
  inspect: ({ path }) => {
    if (path === 'die') process.exit(3);
    while (path === 'hang');
    const eaten: unknown[] = [];
    while (path === 'hungry') eaten.push(JSON.parse(`[${'[],'.repeat(1_000_000)}[]]`));
    if (path === 'look') return [fact('look', privileges(), path)];
    return path === 'pid' ? [fact('pid', `${process.pid}`, path)] : [];
  },
};

function fact(id: string, title: string, ...paths: readonly string[]): Finding {
  const places = paths.map((path) => ({ path }));
  return { class: 'misconfiguration', id, title, severity: 'low', places, advice: '' };
}

/** What the process may do. Loopback counts when it is up. */
function privileges(): string {
  const status = readFileSync('/proc/self/status', 'utf8');
  const sets = [...status.matchAll(/^Cap(\w+):\s+([0-9a-f]+)$/gm)].map(
    ([, name, bits]) => `${name} ${Number(`0x${bits}`)}`,
  );
  const isBound = /^NoNewPrivs:\s+(\d)$/m.exec(status)?.[1];
  const interfaces = Object.keys(networkInterfaces());
  return `${sets.join(', ')}, NoNewPrivs ${isBound}, interfaces: ${interfaces.join(' ') || 'none'}, writing: ${writing()}`;
}

function writing(): string {
  try {
    rmdirSync(mkdtempSync(join(tmpdir(), 'ward-written-')));
    return 'yes';
  } catch (error) {
    return nodeCodeOf(error) ?? String(error);
  }
}

/** With the user `hang` it never ends. */
const root: ConfigInspector = {
  name: 'root',
  revision: '1',
  inspect: ({ user }) => {
    while (user === 'hang');
    return user === 'root' ? [fact('root', '')] : [];
  },
};

/** Fails with the user `root`. */
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
