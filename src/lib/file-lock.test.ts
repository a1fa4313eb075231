import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
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
  it('has one holder, and is free again after its release', () => {
    const path = join(folder, 'lock');
    const first = tryFileLock(path);
    expect(first).toBeDefined();
    expect(tryFileLock(path)).toBeUndefined();
    first?.release();
    using second = tryFileLock(path);
    expect(second).toBeDefined();
  });

  it('is free again after its process was killed', async () => {
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

describe.skipIf(process.geteuid?.() !== 0)('a lock file', () => {
  const stranger = ['setpriv', '--reuid', '64123', '--regid', '64123', '--clear-groups'];
  /** A process of another user that holds a read lock on the whole file, if it can open the file. */
  async function readerOf(path: string) {
    const program = `import fcntl, sys, time
try:
    file = open(sys.argv[1], "rb")
    fcntl.lockf(file, fcntl.LOCK_SH)
    print("held", flush=True)
except OSError as error:
    print(type(error).__name__, flush=True)
sys.stdin.read()`;
    const child = startCommand([...stranger, '/usr/bin/python3', '-c', program, path], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said = child.stdout ? String((await once(child.stdout, 'data'))[0]).trim() : '';
    return {
      said,
      async end() {
        child.stdin?.end();
        await once(child, 'exit');
      },
    };
  }
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

  it('is private to its owner, whatever the umask', async () => {
    const path = join(folder, 'lock');
    await chmod(folder, 0o755);
    const before = process.umask(0);
    using lock = tryFileLock(path);
    process.umask(before);
    expect([lock === undefined, modeOf(path)]).toEqual([false, '600']);
    const reader = await readerOf(path);
    await reader.end();
    expect(reader.said).toBe('PermissionError');
  });

  it('of an earlier Ward is made private, and keeps the lock of a running holder', async () => {
    const path = join(folder, 'lock');
    await writeFile(path, '', { mode: 0o644 });
    const lock = tryFileLock(path);
    expect([lock === undefined, modeOf(path)]).toEqual([false, '600']);
    expect(tryFileLock(path)).toBeUndefined();
    await chmod(path, 0o644);
    expect(tryFileLock(path)).toBeUndefined();
    lock?.release();
    using again = tryFileLock(path);
    expect(again).toBeDefined();
  });

  it('that another user opened before does not count as locked', async () => {
    const path = join(folder, 'lock');
    await chmod(folder, 0o755);
    await writeFile(path, '', { mode: 0o644 });
    const reader = await readerOf(path);
    expect(reader.said).toBe('held');
    using lock = tryFileLock(path);
    expect([lock === undefined, modeOf(path)]).toEqual([false, '600']);
    expect(tryFileLock(path)).toBeUndefined();
    expect(await readdir(folder)).toEqual(['lock']);
    await reader.end();
  });
});
