import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { randomHex, silentLog, startCommand } from '../lib/index.ts';
import { isIsolated } from './host/isolated.ts';
import { strictPolicy } from './policy.ts';
import { openSandboxHost } from './sandbox-host.ts';
import { makeTestRoot } from './testing/root.ts';

const canTry = isIsolated() && existsSync('/usr/bin/crun') && existsSync('/usr/bin/busybox');

describe.skipIf(!canTry)(`recovery${canTry ? '' : ' (needs Ward’s isolation, crun and busybox)'}`, () => {
  test.each([
    // Without its namespaces, its processes live on; with them, only frozen ones do.
    ['in the namespaces of the next one', process.env, 2],
    ['in namespaces of its own', { ...process.env, WARD_MOUNT_NAMESPACE: undefined }, 0],
  ])('what a Ward that was killed %s left behind is found and removed', async (_, env, processes) => {
    await using root = await makeTestRoot();
    const runDir = await mkdtemp(join(tmpdir(), 'ward-recover-'));
    const instance = `test-${randomHex(4)}`;
    const program = join(import.meta.dirname, 'testing/abandoned-sandboxes.ts');
    const child = startCommand([process.execPath, program, instance, runDir, root.path], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout) await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;

    const host = await openSandboxHost({ instance, runDir, runtime: 'crun', log: silentLog });
    expect(await readdir(join(runDir, instance, 'bundles'))).toHaveLength(2);
    const report = await host.recover();
    expect(report).toMatchObject({ sandboxes: 2, cgroups: 2 });
    expect(report.processes).toBeGreaterThanOrEqual(processes);
    expect(await readdir(join(runDir, instance))).toEqual([]);
    expect(await host.recover()).toEqual({ sandboxes: 0, processes: 0, cgroups: 0, mounts: 0 });

    await using sandbox = await host.start({
      rootDir: root.path,
      args: ['/usr/bin/busybox', 'true'],
      env: {},
      cwd: '/',
      policy: strictPolicy,
      channel: 'none',
    });
    expect((await sandbox.exited).code).toBe(0);
    await host.close();
    await rm(runDir, { recursive: true });
  });
});
