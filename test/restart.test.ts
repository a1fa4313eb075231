/** Shutdown, `kill -9`, and what the next start makes of what it finds. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cgroupsOf, missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const waits =
  'function main(p) { return new Promise((done) => setTimeout(() => done({ n: p.n }), p.ms || 0)); }';

/** Processes of a server's sandboxes: their command lines name the runtime's state folder or lie in its cgroups. */
function processesOf(instance: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return [`/proc/${name}/cmdline`, `/proc/${name}/cgroup`].some((path) =>
        readFileSync(path, 'utf8').includes(instance),
      );
    } catch {
      return false;
    }
  });
}

function leftOvers(ward: Ward) {
  return {
    cgroups: cgroupsOf(ward.instance),
    processes: processesOf(ward.instance),
    mounts: readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(ward.dataDir)),
    state: existsSync(join('/run/ward', ward.instance)) ? [ward.instance] : [],
  };
}

/** The limits are another process's write: the server sees them within its polling interval. */
async function raised(ward: Ward): Promise<void> {
  await ward.setLimits('guest', ['--concurrent', '1000', '--invocations-per-minute', '1000']);
  await ward.until(async () => {
    const { body } = await ward.request('GET', '/api/v1/namespaces/_/limits');
    return body.concurrentInvocations === 1000;
  });
}

const nothing = { cgroups: [], processes: [], mounts: [], state: [] };

describe.skipIf(missing !== undefined)(`a restart${missing ? ` (${missing})` : ''}`, () => {
  const open: Ward[] = [];
  const start = async (config: object = {}, dataDir?: string) => {
    const ward = await Ward.start(config, dataDir);
    open.push(ward);
    return ward;
  };
  afterEach(async () => {
    for (const ward of open.splice(0).reverse()) await ward[Symbol.asyncDispose]();
  });

  it('after SIGTERM: exit code 0, nothing left; actions, records and the key are kept', async () => {
    const first = await start({ invoker: { prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] } });
    await first.deploy('hello', waits);
    const before = await first.invoke('hello', { n: 1 });
    expect(before.body.response.result).toEqual({ n: 1 });
    expect(await first.stop()).toBe(0);
    expect(leftOvers(first)).toEqual(nothing);

    const second = await start({}, first.dataDir);
    expect(second.auth).toBe(first.auth);
    expect((await second.invoke('hello', { n: 2 })).body.response.result).toEqual({ n: 2 });
    expect((await second.activation(before.body.activationId)).response.result).toEqual({ n: 1 });
  });

  it('after SIGTERM waits for what is running', async () => {
    const ward = await start();
    await ward.deploy('slow', waits);
    const running = ward.invoke('slow', { n: 7, ms: 600 });
    await ward.until(() => ward.sandboxStates().length > 0);
    expect(await ward.stop()).toBe(0);
    expect((await running).body.response.result).toEqual({ n: 7 });
  });

  it('after kill -9: sandboxes and mounts are gone at once, cgroups and state at the next start', async () => {
    const first = await start();
    await first.deploy('slow', waits);
    const lost = first.invoke('slow', { ms: 60_000 }).catch(() => 'connection lost');
    await first.until(() => first.sandboxStates().length > 0);
    await first.kill();
    expect(await lost).toBe('connection lost');
    await first.until(() => processesOf(first.instance).length === 0);
    const { mounts, cgroups } = leftOvers(first);
    expect(mounts).toEqual([]);
    expect(cgroups.length).toBeGreaterThan(0);

    const second = await start({}, first.dataDir);
    expect(cgroupsOf(second.instance)).toEqual([]);
    expect((await second.invoke('slow', { n: 3 })).body.response.result).toEqual({ n: 3 });
  });

  it('after kill -9: every accepted invocation was run, is run, or is recorded as interrupted', async () => {
    const first = await start();
    await first.deploy('slow', waits);
    await raised(first);
    const flood = Array.from({ length: 40 }, (_, n) =>
      first.request('POST', '/api/v1/namespaces/_/actions/slow', { body: { n, ms: n < 2 ? 0 : 200 } }),
    );
    const replies = await Promise.all(flood);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([202]));
    const ids = replies.map(({ body }) => body.activationId);
    await first.kill();

    const second = await start({}, first.dataDir);
    const records = await Promise.all(ids.map((id) => second.activation(id)));
    expect(records).toHaveLength(40);
    const failed = records.filter(({ response }) => !response.success);
    expect(failed.length).toBeGreaterThan(0);
    for (const { response } of failed) {
      expect(response.status).toBe('whisk internal error');
      expect(response.result.error).toMatch(/interrupted/i);
    }
  });

  it('refuses a data folder that is in use', async () => {
    const ward = await start();
    const { code, stderr } = await ward.cli(['up', '--data', ward.dataDir, '--listen', '127.0.0.1:0']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('DATA_DIR_BUSY');
  });
});
