import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mustRun, randomHex, silentLog } from '../lib/index.ts';
import { isIsolated } from './host/isolated.ts';
import { strictPolicy } from './policy.ts';
import { advisoriesOf } from './runtime/advisories.ts';
import { type LocalSandboxHost, openSandboxHost } from './sandbox-host.ts';
import { makeTestRoot, type TestRoot } from './testing/root.ts';
import type { Sandbox } from './types.ts';

const canTry = isIsolated() && existsSync('/usr/bin/crun') && existsSync('/usr/bin/busybox');

describe.skipIf(!canTry)(`sandbox host${canTry ? '' : ' (needs Ward’s isolation, crun and busybox)'}`, () => {
  let root: TestRoot;
  let runDir: string;
  beforeAll(async () => {
    root = await makeTestRoot();
    runDir = await mkdtemp(join(tmpdir(), 'ward-host-'));
  });
  afterAll(async () => {
    await root[Symbol.asyncDispose]();
    await rm(runDir, { recursive: true });
  });

  const open = (instance = `test-${randomHex(4)}`) =>
    openSandboxHost({ instance, runDir, runtime: 'crun', log: silentLog });
  const shell = (host: LocalSandboxHost, script: string): Promise<Sandbox> =>
    host.start({
      rootDir: root.path,
      args: ['/usr/bin/busybox', 'sh', '-c', script],
      env: {},
      cwd: '/',
      policy: strictPolicy,
      channel: 'none',
    });

  test.each(['', 'UPPER', '../up', 'a/b', '-a', 'x'.repeat(33)])(
    '%j is no name for an instance',
    async (name) => {
      await expect(open(name)).rejects.toMatchObject({ code: 'REQUEST_UNSAFE' });
    },
  );

  test('a runtime that isn’t installed is an error, and nothing is left', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      await expect(open('test-missing')).rejects.toMatchObject({ code: 'RUNTIME_MISSING' });
    } finally {
      process.env['PATH'] = path;
    }
    expect(await readdir(runDir)).not.toContain('test-missing');
  });

  test('a runtime with known holes is refused when the operator allows none', async () => {
    await using host = await open();
    const runtime = await host.runtime('crun');
    const holes = runtime === undefined ? [] : advisoriesOf(runtime);
    const check = (runtimeAdvisories: 'warn' | 'refuse') =>
      host.checkPolicy({ ...strictPolicy, runtimeAdvisories });
    await check('warn');
    if (holes.length === 0) return await check('refuse');
    await expect(check('refuse')).rejects.toMatchObject({
      code: 'POLICY_NOT_MET',
      message: expect.stringContaining(holes[0]?.id ?? ''),
    });
  });

  test('a sandbox that can’t be removed at once is removed later, and counted meanwhile', async () => {
    const counts: number[] = [];
    const instance = `test-${randomHex(4)}`;
    const onLeftBehind = (count: number) => void counts.push(count);
    await using host = await openSandboxHost({
      instance,
      runDir,
      runtime: 'crun',
      log: silentLog,
      onLeftBehind,
    });
    const sandbox = await shell(host, 'sleep 1000');
    const bundle = join(runDir, instance, 'bundles', sandbox.id);
    const busy = join(bundle, 'busy');
    await mkdir(busy);
    await mustRun(['mount', '-t', 'tmpfs', 'test', busy]);
    try {
      await expect(sandbox.destroy()).rejects.toThrow(/EBUSY|busy/);
      expect([counts, host.leftBehind()]).toEqual([[1], 1]);
      expect(existsSync(bundle)).toBe(true);
    } finally {
      await mustRun(['umount', busy]);
    }
    await vi.waitFor(() => expect(counts).toEqual([1, 0]), { timeout: 20_000 });
    expect(existsSync(bundle)).toBe(false);
    await using next = await shell(host, 'true');
    expect((await next.exited).code).toBe(0);
  });

  test('closing ends running and starting sandboxes; then nothing starts any more', async () => {
    const host = await open();
    const running = await shell(host, 'sleep 1000');
    const starting = shell(host, 'sleep 1000').then(
      (sandbox) => sandbox.exited,
      () => undefined,
    );
    await host.close();
    expect((await running.exited).killed).toBe(true);
    expect((await starting)?.killed).not.toBe(false);
    await expect(shell(host, 'true')).rejects.toMatchObject({ code: 'SANDBOX_START_FAILED' });
    expect((await readdir(runDir)).filter((name) => name.startsWith('test-'))).toEqual([]);
  });

  test('a runtime is probed once; after that the answer is on disk', async () => {
    await (await open()).close();
    const file = join(runDir, 'crun.features.json');
    const answer = JSON.parse(await readFile(file, 'utf8'));
    expect(answer).toMatchObject({ procSubset: expect.any(Boolean), timeNamespace: expect.any(Boolean) });
    await writeFile(file, JSON.stringify({ ...answer, version: 'from disk' }));
    await using host = await open();
    expect((await host.runtime('crun'))?.version).toBe('from disk');
    await writeFile(file, JSON.stringify({ ...answer, key: 'another runtime', version: 'old' }));
    await using other = await open();
    expect((await other.runtime('crun'))?.version).toBe(answer.version);
  });

  test('where /proc can’t be reduced to processes, its files about the machine are masked', async () => {
    await (await open()).close();
    const file = join(runDir, 'crun.features.json');
    const answer = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...answer, procSubset: false }));
    try {
      await using host = await open();
      await using sandbox = await shell(
        host,
        'for f in kcore keys kallsyms timer_list interrupts; do head -c 1 /proc/$f 2>/dev/null | wc -c; done; ' +
          'for f in sysrq-trigger sys/kernel/core_pattern; do { echo h >/proc/$f; } 2>/dev/null && echo wrote $f; done; ' +
          'test -e /proc/meminfo && echo has meminfo',
      );
      let output = '';
      for await (const chunk of sandbox.stdout) output += String(chunk);
      expect(output).toBe('0\n0\n0\n0\n0\nhas meminfo\n');
    } finally {
      await writeFile(file, JSON.stringify(answer));
    }
  });
});
