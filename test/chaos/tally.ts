/**
 * Counts runs from outside of the sandboxes, without the server's help. A run makes a folder in its own /tmp and waits
 * until this process removes it from the host. So every run that ended well was counted, even when the server, its
 * keeper or its disk is gone.
 */
import { readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../../src/lib/index.ts';
import type { Run } from './evidence.ts';

const everyMs = 10;
const prefix = 'ward-ran';

/** A function `ran(marker)` for Node.js that resolves once its run was counted. */
export const ranInNode = `const ran = async (marker) => {
  const fs = require('node:fs');
  const folder = ['/tmp/${prefix}', process.env.__OW_ACTIVATION_ID, marker, require('node:crypto').randomUUID()].join('.');
  fs.mkdirSync(folder);
  while (fs.existsSync(folder)) await new Promise((done) => setTimeout(done, 2));
};`;

/** The same for Python. */
export const ranInPython = `import os, time, uuid
def ran(marker):
    folder = '.'.join(['/tmp/${prefix}', os.environ['__OW_ACTIVATION_ID'], marker, str(uuid.uuid4())])
    os.mkdir(folder)
    while os.path.exists(folder):
        time.sleep(0.002)
`;

export class Tally implements Disposable {
  readonly runs: Run[] = [];
  readonly #seen = new Set<string>();
  readonly #instances: readonly string[];
  readonly #hierarchy = hierarchy();
  readonly #timer: NodeJS.Timeout;

  /** @param instances those of the servers whose sandboxes are watched */
  constructor(...instances: readonly string[]) {
    this.#instances = instances;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  #look(): void {
    for (const instance of this.#instances) {
      const group = join(this.#hierarchy, 'ward', instance);
      for (const name of namesIn(group))
        if (name !== 'platform') this.#lookInto(join(group, name, 'cgroup.procs'), instance);
    }
  }

  #lookInto(list: string, instance: string): void {
    // Its first processes; one may still be the runtime's.
    for (const pid of linesOf(list).slice(0, 2)) {
      const tmp = `/proc/${pid}/root/tmp`;
      for (const name of namesIn(tmp))
        if (name.startsWith(`${prefix}.`)) this.#count(join(tmp, name), name, instance);
    }
  }

  #count(path: string, name: string, instance: string): void {
    if (!this.#seen.has(name)) {
      const [, activationId = '', marker = '', token = ''] = name.split('.');
      this.#seen.add(name);
      this.runs.push({ activationId, marker, token, instance, at: Date.now() });
    }
    try {
      rmdirSync(path);
    } catch (error) {
      // The sandbox has ended meanwhile, or its folder is in the other process.
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes(errnoOf(error) ?? '')) throw error;
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Hierarchy of the sandboxes: for cgroup v1 the one that counts processes, for v2 the only one. */
function hierarchy(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const groups = mounts.map((line) => line.split(' ')).filter(([, , type = '']) => type.startsWith('cgroup'));
  const paths = groups.map(([, path = '']) => path);
  return paths.find((path) => path.endsWith('/pids')) ?? paths[0] ?? '';
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}
