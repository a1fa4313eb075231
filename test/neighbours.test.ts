/** Ward and its sandboxes compete for processors and memory: checks the priorities that the kernel has. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

describe.skipIf(missing !== undefined)(`neighbours${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    ward = await Ward.start();
  });
  afterAll(() => ward[Symbol.asyncDispose]());

  it('the platform comes before sandboxes for a processor, and after them for the OOM killer', async () => {
    const code = `const fs = require('fs');
      exports.main = () => {
        const own = { nice: require('os').getPriority(), oom: Number(fs.readFileSync('/proc/self/oom_score_adj', 'utf8')) };
        try { fs.writeFileSync('/proc/self/oom_score_adj', '-900'); own.lowered = true; } catch (error) { own.lowered = error.code; }
        return own;
      };`;
    await ward.deploy('self', code);
    const { body } = await ward.invoke('self');
    expect(body.response.result).toEqual({ nice: 0, oom: 500, lowered: 'EACCES' });
    const platform = serverPid(ward.pidOfInvoker);
    expect(niceOf(platform)).toBe(-10);
    // A service manager may have put the tests into a group; the platform is then in it too.
    const own = readFileSync('/proc/self/cgroup', 'utf8');
    if (/^\d+:cpu(?:,cpuacct)?:\/$/m.test(own)) {
      const group = `/ward/${ward.instance}/platform`;
      expect(readFileSync(`/proc/${platform}/cgroup`, 'utf8')).toMatch(
        new RegExp(`:cpu(,cpuacct)?:${group}\n`),
      );
    }
    // Some hosts do not allow a value below 0.
    expect(Number(readFileSync(`/proc/${platform}/oom_score_adj`, 'utf8'))).toBeLessThanOrEqual(0);
  });

  it('a sandbox and all its processes have the platform’s short time slice', async () => {
    const before = new Set(sandboxPids(ward.instance));
    const code = `exports.main = () => ({});
      require('child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);`;
    await ward.deploy('slice', code);
    await ward.invoke('slice');
    const pids = sandboxPids(ward.instance).filter((pid) => !before.has(pid));
    expect(pids.length).toBeGreaterThan(1);
    const expected = sliceOf(String(serverPid(ward.pidOfInvoker)));
    expect(expected).toMatch(/ \d+$/);
    for (const pid of pids) expect(sliceOf(pid)).toBe(expected);
  });

  it('a namespace that burns processors must stand back, and another one need not', async () => {
    const noisy = await ward.createNamespace('noisy');
    const limits = { timeout: 20_000 };
    await ward.deploy('spin', 'exports.main = () => { for (;;); };', { auth: noisy, limits });
    await ward.deploy('quiet', 'exports.main = () => ({});');
    await ward.invoke('quiet');
    const before = new Set(idleFiles(ward.instance));
    for (let n = 0; n < 4; n++) {
      await ward.request('POST', '/api/v1/namespaces/_/actions/spin', { auth: noisy });
    }
    const spinning = () => idleFiles(ward.instance).filter((file) => !before.has(file));
    await ward.until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return spinning().length > 0 && spinning().every((file) => readFileSync(file, 'utf8').trim() === '1');
    });
    await ward.invoke('quiet');
    for (const file of before) if (existsSync(file)) expect(readFileSync(file, 'utf8').trim()).toBe('0');
  }, 60_000);
});

/** The Node process below the supervisors. */
function serverPid(supervisor: number): number {
  const commands = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    const stat = statOf(Number(name));
    if (stat) commands.set(Number(name), Number(stat[1]));
  }
  for (let pid = supervisor; ; ) {
    const children = [...commands].filter(([, parent]) => parent === pid).map(([child]) => child);
    // The server's user is not root, unlike that of the supervisors and the keeper.
    const server = children.find((child) => isServer(child));
    if (server !== undefined) return server;
    const [next] = children;
    if (next === undefined) throw new Error('no server below the supervisor');
    pid = next;
  }
}

function isServer(pid: number): boolean {
  return statSync(`/proc/${pid}`).uid !== 0 && readlinkSync(`/proc/${pid}/exe`).endsWith('/node');
}

/** The time slice in the output of chrt(1). */
function sliceOf(pid: string): string | undefined {
  const said = execFileSync('/usr/bin/chrt', ['--pid', pid], { encoding: 'utf8' });
  return /current runtime parameter: \d+/.exec(said)?.[0];
}

function niceOf(pid: number): number {
  return Number(statOf(pid)?.[16]);
}

/** Fields of stat(5) from the state on, after the name, which can contain anything. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function sandboxPids(instance: string): string[] {
  return idleFiles(instance).flatMap((file) => {
    return readFileSync(join(file, '../cgroup.procs'), 'utf8').trim().split('\n');
  });
}

function idleFiles(instance: string): string[] {
  return cgroupsOf(instance)
    .map((folder) => join(folder, 'cpu.idle'))
    .filter((file) => existsSync(file));
}
