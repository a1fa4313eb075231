import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCommand } from './command.ts';
import { tryFileLock } from './file-lock.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file lock', () => {
  it('is held by one, and free again once released', () => {
    const path = join(folder, 'lock');
    const first = tryFileLock(path);
    expect(first).toBeDefined();
    expect(tryFileLock(path)).toBeUndefined();
    first?.release();
    using second = tryFileLock(path);
    expect(second).toBeDefined();
  });

  it('is free again when its process was killed', async () => {
    const path = join(folder, 'lock');
    const module = new URL('./file-lock.ts', import.meta.url).href;
    const script = `const { tryFileLock } = await import(${JSON.stringify(module)});
      globalThis.lock = tryFileLock(${JSON.stringify(path)}); console.log('held'); setInterval(() => {}, 1000);`;
    const child = startCommand([process.execPath, '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout) await once(child.stdout, 'data');
    expect(tryFileLock(path)).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    using lock = tryFileLock(path);
    expect(lock).toBeDefined();
  });
});
