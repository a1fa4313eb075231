/** Shutdown, `kill -9`, and what the next start makes of what it finds. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { leftOvers, nothing, processesOf } from './left-overs.ts';
import { onlyOneMachine } from './one-machine.ts';
import { plantTraces } from './planted-traces.ts';
import { processesBelow } from './processes.ts';
import { missingForSandboxes, runWard, Ward } from './ward.ts';

const missing = missingForSandboxes();
const waits =
  'function main(p) { return new Promise((done) => setTimeout(() => done({ n: p.n }), p.ms || 0)); }';
const usual = {};
const roomForOne = {
  invoker: { prewarm: [], memoryMiB: 256 },
  limits: { invocationsPerMinute: 1000, concurrentInvocations: 1000 },
};
/** The child of one that sleeps tells the host that it has begun. */
const sleepsInPython = `import os, time
def main(p):
    if p["seconds"] > 0 and os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    time.sleep(p["seconds"])
    return {"n": p["n"]}`;

/** Parent and process group of a process; stat(5) has them after the name, which may hold anything. */
function lineage(pid: number | string): { readonly parent: number; readonly group: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [, parent = '', group = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { parent: Number(parent), group: Number(group) };
}

function isPython(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0', 1)[0]?.includes('python') ?? false;
  } catch {
    return false;
  }
}

/** Without the server's own helpers, which end when they are idle. */
function sandboxedOf({ instance }: Ward): string[] {
  const isInSandbox = (pid: string) => {
    try {
      return !readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${instance}/platform`);
    } catch {
      return false;
    }
  };
  return processesOf(instance).filter(isInSandbox);
}

function isChildOfPython(pid: string): boolean {
  try {
    return isPython(pid) && isPython(String(lineage(pid).parent));
  } catch {
    return false;
  }
}

/** A server's own processes, from the one that the user sees down; those in its sandboxes are not among them. */
function processesOfServer(ward: Ward): number[] {
  const found = [ward.pid];
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const parent of found) {
    for (const pid of others) {
      try {
        const isChild = lineage(pid).parent === parent;
        const isInside = /\/ward\/[^/]+\/(?!platform$)/m.test(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
        if (isChild && !isInside) found.push(Number(pid));
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  return found;
}

describe.skipIf(missing !== undefined)(`a restart${missing ? ` (${missing})` : ''}`, () => {
  const open: Ward[] = [];
  const start = async (config: object = {}, dataDir?: string) => {
    const ward = await Ward.start(config, dataDir);
    open.push(ward);
    return ward;
  };
  /** Servers that a test has left to the next one, because a start takes seconds. */
  const kept = new Map<Ward, object>();
  const keep = (ward: Ward, config: object = usual) => kept.set(ward, config);
  /** The server that the last test has kept, else a new one. */
  const serving = async (config: object = usual) => {
    for (const [ward, its] of kept) {
      if (its !== config) continue;
      kept.delete(ward);
      open.push(ward);
      return ward;
    }
    return start(config);
  };
  const end = async (wards: readonly Ward[]) => {
    for (const ward of wards) await ward[Symbol.asyncDispose]();
  };
  afterEach(async () => {
    const isKept = ({ dataDir }: Ward) => [...kept.keys()].some((each) => each.dataDir === dataDir);
    await end(
      open
        .splice(0)
        .reverse()
        .filter((ward) => !isKept(ward)),
    );
  });
  afterAll(() => end([...kept.keys()]));

  it('after SIGTERM: exit code 0, nothing left; actions, records and the key are kept', async () => {
    const first = await start({ invoker: { prewarm: [{ kind: 'nodejs:24', memoryMiB: 256, count: 1 }] } });
    await first.deploy('hello', waits);
    const before = await first.invoke('hello', { n: 1 });
    expect(before.body.response.result).toEqual({ n: 1 });
    await first.deploy('slow', waits);
    const running = first.invoke('slow', { n: 7, ms: 600 });
    await first.until(async () => {
      const { body } = await first.request('GET', '/metrics');
      return /^ward_sandboxes\{state="busy"\} 1$/m.test(body);
    });
    expect(await first.stop()).toBe(0);
    expect((await running).body.response.result).toEqual({ n: 7 });
    expect(leftOvers(first)).toEqual(nothing);

    const second = await start({}, first.dataDir);
    expect(second.auth).toBe(first.auth);
    expect((await second.invoke('hello', { n: 2 })).body.response.result).toEqual({ n: 2 });
    expect((await second.activation(before.body.activationId)).response.result).toEqual({ n: 1 });
    keep(second);
  });

  it('after SIGTERM: ends, though followers hung up before their streams began', async () => {
    const ward = await serving();
    await ward.deploy('slow', waits);
    // Its record is looked up first, and meanwhile the client goes.
    const { body } = await ward.invoke('slow');
    const { hostname, port } = new URL(ward.url);
    const path = `/api/v1/namespaces/_/activations/${body.activationId}/stream`;
    const key = Buffer.from(ward.auth).toString('base64');
    const head = `GET ${path} HTTP/1.1\r\nHost: ward\r\nAuthorization: Basic ${key}\r\n\r\n`;
    for (let round = 0; round < 30; round++) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      await new Promise<void>((resolve) => socket.write(head, () => resolve()));
      socket.destroy();
    }
    expect(await ward.stop()).toBe(0);
    expect(leftOvers(ward)).toEqual(nothing);
  });

  it.each([
    ['server', 1],
    ['keeper', 0],
  ])(
    'after a fault that nothing handles in the %s: says so, ends what runs, exits with 1',
    async (_who, at) => {
      onlyOneMachine('a node for the API has no keeper');
      const dataDir = await mkdtemp(join(tmpdir(), 'ward-e2e-'));
      // The server's user has to reach it.
      await chmod(dataDir, 0o755);
      const fault = join(dataDir, 'fault.mjs');
      await writeFile(fault, 'process.on("SIGUSR2", () => Promise.reject(new Error("unforeseen")));\n');
      vi.stubEnv('NODE_OPTIONS', `--import=${fault}`);
      const { ward, said } = await Ward.startSaying({}, dataDir).finally(() => vi.unstubAllEnvs());
      open.push(ward);
      await ward.deploy('slow', waits);
      const running = ward.invoke('slow', { n: 7, ms: 1000 });
      await ward.until(() => ward.sandboxStates().length > 0);
      process.kill(processesBelow(ward.pid)[at]?.pid ?? 0, 'SIGUSR2');
      expect(await ward.ended()).toBe(1);
      expect((await running).body.response.result).toEqual({ n: 7 });
      expect(said()).toMatch(/"fatal".*unforeseen.*unhandled error/);
      expect(leftOvers(ward)).toEqual(nothing);
    },
  );

  it('after SIGTERM: ends in time, though its keeper answers nothing', async () => {
    onlyOneMachine('a node for the API has no keeper');
    const ward = await start();
    await ward.deploy('slow', waits);
    await ward.invoke('slow', { ms: 0 });
    const [keeper, server] = processesBelow(ward.pid);
    process.kill(keeper.pid, 'SIGSTOP');
    process.kill(server.pid, 'SIGTERM');
    // What has ended stays as a zombie until its parent goes on.
    await ward.until(() => /^State:\tZ/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8')));
    process.kill(keeper.pid, 'SIGCONT');
    expect(await ward.ended()).toBe(1);
    expect(leftOvers(ward)).toEqual(nothing);
  });

  it('after a second signal, later than an echo of the first: ends at once', async () => {
    onlyOneMachine('a node for the API has no keeper');
    const ward = await start();
    await ward.deploy('slow', waits);
    const lost = ward.invoke('slow', { ms: 60_000 }).catch(() => 'connection lost');
    await ward.until(() => ward.sandboxStates().length > 0);
    const began = performance.now();
    let exitCode: number | null | undefined;
    void ward.ended().then((code) => {
      exitCode = code;
    });
    await ward.until(() => {
      if (exitCode === undefined) process.kill(ward.pid, 'SIGTERM');
      return exitCode !== undefined;
    });
    expect({ exitCode, lost: await lost }).toEqual({ exitCode: 137, lost: 'connection lost' });
    expect(performance.now() - began).toBeGreaterThan(500);
  });

  it('after kill -9: sandboxes, frozen or not, and mounts are gone at once, cgroups and state at the next start', async () => {
    const first = await start({ invoker: { prewarm: [], freezeAfterMs: 50 } });
    await first.deploy('slow', waits);
    await first.deploy('quick', waits);
    const lost = first.invoke('slow', { ms: 60_000 }).catch(() => 'connection lost');
    await first.invoke('quick', { ms: 0 });
    await first.until(() => first.sandboxStates().includes('FROZEN') && first.sandboxStates().length > 1);
    await first.kill();
    expect(await lost).toBe('connection lost');
    await first.until(() => processesOf(first.instance).length === 0);
    // Its cgroups may be gone as well: any other Ward that starts on this machine removes them.
    expect(leftOvers(first).mounts).toEqual([]);

    const second = await start({}, first.dataDir);
    expect(cgroupsOf(second.instance)).toEqual([]);
    expect((await second.invoke('slow', { n: 3 })).body.response.result).toEqual({ n: 3 });
    keep(second);
  });

  it('of another one: what a killed server left behind is removed, whatever folder it had; what lives is not touched', async () => {
    const killed = await serving();
    const living = await start();
    for (const ward of [killed, living]) {
      await ward.deploy('sleep', sleepsInPython, { kind: 'python:3.13' });
      void ward.invoke('sleep', { n: 1, seconds: 60 }).catch(() => {});
      await ward.until(() => processesOf(ward.instance).some(isChildOfPython));
    }
    await killed.kill();
    await killed.until(() => processesOf(killed.instance).length === 0);
    await rm(killed.dataDir, { recursive: true });
    await using late = await plantTraces(true);
    await using used = await plantTraces(true, true);
    await using unknown = await plantTraces(false);
    const before = { ...leftOvers(living), processes: sandboxedOf(living) };
    expect(before.processes.length).toBeGreaterThan(1);
    const next = await start();
    // Strays go unseen by whoever removed the rest, if that was a server outside of the tests' namespace.
    expect(leftOvers(killed)).toMatchObject({ ...nothing, strays: expect.any(Array) });
    expect({ ...leftOvers(living), processes: sandboxedOf(living) }).toEqual(before);
    expect(late.places.filter((each) => existsSync(each))).toEqual([]);
    // A group with a process stays, and so does what is no mount point.
    expect([...used.places, used.outside, ...unknown.places].filter((each) => !existsSync(each))).toEqual([]);
    await living.kill();
    await living.until(() => processesOf(living.instance).length === 0);
    const last = await start();
    expect(leftOvers(living)).toMatchObject({ ...nothing, strays: expect.any(Array) });
    keep(next);
    keep(last);
  });

  it('refuses a data folder that is in use', async () => {
    onlyOneMachine('starts a second server with a keeper on the folder');
    const ward = await serving();
    const { code, stderr } = await ward.cli(['up', '--data', ward.dataDir, '--listen', '127.0.0.1:0']);
    expect(code).not.toBe(0);
    expect(stderr).toContain('DATA_DIR_BUSY');
    keep(ward);
  });

  const terminal = (ward: Ward) =>
    processesOfServer(ward).filter((pid) => lineage(pid).group === lineage(ward.pid).group);
  const signals: [how: string, signal: NodeJS.Signals, receivers: (ward: Ward) => number[]][] = [
    ['SIGINT to the process alone (kill -INT)', 'SIGINT', (ward) => [ward.pid]],
    ['SIGINT to its whole process group (^C in a terminal)', 'SIGINT', terminal],
    ['SIGTERM to all its processes at once (a service manager)', 'SIGTERM', processesOfServer],
  ];
  it.each(signals)(
    'after %s: one clean stop, once what is running has ended',
    async (_, signal, receivers) => {
      onlyOneMachine('its processes are two nodes, which no terminal has together');
      const ward = await serving();
      await ward.deploy('sleep', sleepsInPython, { kind: 'python:3.13' });
      const running = ward.invoke('sleep', { n: 7, seconds: 1 });
      await ward.until(() => processesOf(ward.instance).filter(isPython).length === 2);
      const pids = receivers(ward);
      expect(pids.length).toBeGreaterThanOrEqual(receivers === processesOfServer ? 3 : 1);
      for (const pid of pids) process.kill(pid, signal);
      expect(await ward.ended()).toBe(0);
      expect((await running).body.response.result).toEqual({ n: 7 });
      expect(leftOvers(ward)).toEqual(nothing);
    },
  );

  const recordsOf = async (ward: Ward) =>
    (await ward.request('GET', '/api/v1/namespaces/_/activations?count=true')).body.activations;

  /** One sandbox has room: a call of it has begun, and this number of others was accepted. */
  const crowded = async (options: { seconds: number; others: number; annotations?: object[] }) => {
    const ward = await serving(roomForOne);
    const recordsBefore = await recordsOf(ward);
    await ward.deploy('sleep', sleepsInPython, { kind: 'python:3.13' });
    if (options.annotations !== undefined)
      await ward.request('PUT', '/api/v1/namespaces/_/actions/sleep?overwrite=true', {
        body: { annotations: options.annotations },
      });
    const accept = async (n: number, seconds: number): Promise<string> => {
      const path = '/api/v1/namespaces/_/actions/sleep';
      const { status, body } = await ward.request('POST', path, { body: { n, seconds } });
      expect(status).toBe(202);
      return body.activationId;
    };
    const begun = await accept(0, options.seconds);
    await ward.until(() => processesOf(ward.instance).some(isChildOfPython));
    const others = await Promise.all(Array.from({ length: options.others }, (_, n) => accept(n + 1, 0)));
    return { ward, begun, others, recordsBefore };
  };
  /** Each has one record, of a run since then. */
  const ranSince = async (ward: Ward, ids: readonly string[], since: number) => {
    for (const [n, id] of ids.entries()) {
      const record = await ward.activation(id);
      expect(record).toMatchObject({ response: { success: true, result: { n: n + 1 } } });
      expect(record.start).toBeGreaterThanOrEqual(since);
    }
  };
  it('after kill -9: accepted calls that had not begun run, once; the one that had is recorded as interrupted', async () => {
    const { ward: first, begun, others, recordsBefore } = await crowded({ seconds: 60, others: 39 });
    await first.kill();
    const restartedAt = Date.now();
    const second = await start(roomForOne, first.dataDir);
    await ranSince(second, others, restartedAt);
    expect(await second.activation(begun)).toMatchObject({
      response: {
        status: 'whisk internal error',
        result: { error: 'The activation was interrupted: the server that had it stopped or was cut off.' },
      },
    });
    const log = await second.cli(['activation', 'logs', begun]);
    expect(log).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('the log is lost') });
    expect((await recordsOf(second)) - recordsBefore).toBe(40);
    keep(second, roomForOne);
  });

  it('after SIGTERM: accepted calls that had not begun are left to the next start, once what had begun has ended', async () => {
    const { ward: first, begun, others, recordsBefore } = await crowded({ seconds: 3, others: 39 });
    expect(await first.stop()).toBe(0);
    const stoppedAt = Date.now();
    const second = await start(roomForOne, first.dataDir);
    await ranSince(second, others, stoppedAt);
    expect(await second.activation(begun)).toMatchObject({ response: { success: true, result: { n: 0 } } });
    expect((await recordsOf(second)) - recordsBefore).toBe(40);
    keep(second, roomForOne);
  });

  it('after kill -9: a call that had begun runs again where its action says that it may', async () => {
    const annotations = [{ key: 'retry-on-restart', value: true }];
    const { ward: first, begun, recordsBefore } = await crowded({ seconds: 3, others: 0, annotations });
    await first.kill();
    const second = await start(roomForOne, first.dataDir);
    expect(await second.activation(begun)).toMatchObject({
      annotations: expect.arrayContaining([{ key: 'attempt', value: 2 }]),
      response: { success: true, result: { n: 0 } },
    });
    expect((await recordsOf(second)) - recordsBefore).toBe(1);
  });

  describe('a data folder that can not serve', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'ward-data-'));
      await chmod(folder, 0o755);
      await writeFile(join(folder, 'file'), 'mine');
    });
    afterAll(() => rm(folder, { recursive: true }));

    it.each([
      ['a file', 'file', /file can't be the data folder: it, or one of its parents, is not a folder/],
      ['below a file', 'file/data', /file\/data can't be the data folder: .*is not a folder/],
    ])('%s is refused', async (_, path, said) => {
      const data = join(folder, path);
      const { code, stdout, stderr } = await runWard(['up', '--data', data, '--listen', '127.0.0.1:0']);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(said);
      expect(stderr).toContain('error[DATA_DIR_INVALID]');
    });
  });

  it('serves from a data folder below one that is closed to others, named by a link, from a shell whose umask hides everything', async () => {
    onlyOneMachine('a keeper leads its server into the folder, and a node for the API has none');
    const folder = await mkdtemp(join(tmpdir(), 'ward-closed-'));
    await mkdir(join(folder, 'closed', 'open'), { recursive: true });
    await chmod(join(folder, 'closed'), 0o700);
    await symlink(join(folder, 'closed', 'open'), join(folder, 'link'));
    const before = process.umask(0o077);
    try {
      await using ward = await Ward.start({}, join(folder, 'link/data')).finally(() => process.umask(before));
      await ward.deploy('hello', waits);
      expect((await ward.invoke('hello', { n: 5 })).body.response.result).toEqual({ n: 5 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
