/** Memory that each of 200 idle sandboxes holds, against a bare Node process. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCommand } from '../src/lib/index.ts';
import { cgroupsOf } from '../test/cgroups.ts';
import { Ward } from '../test/ward.ts';
import { median, type Row } from './table.ts';

const sandboxes = 200;
const mebibyte = 1024 * 1024;

export async function benchIdle(): Promise<readonly Row[]> {
  await using ward = await Ward.start({
    invoker: { prewarm: [], memoryMiB: sandboxes * 256 },
    limits: { concurrentInvocations: 1_000_000, invocationsPerMinute: 1_000_000 },
  });
  for (let n = 0; n < sandboxes; n++) {
    await ward.deploy(`idle-${n}`, 'function main() { return {}; }');
    const reply = await ward.invoke(`idle-${n}`);
    if (reply.status !== 200) throw new Error(JSON.stringify(reply.body));
  }
  await ward.until(() => {
    const states = ward.sandboxStates();
    return states.length === sandboxes && states.every((state) => state === 'FROZEN');
  });
  const each = sandboxPids(ward).map(privateBytes);
  const ours = median(each) / mebibyte;
  const bare = (await bareNode()) / mebibyte;
  return [
    {
      what: `private memory of each of ${each.length} idle sandboxes`,
      baseline: `bare Node ${bare.toFixed(1)} MiB`,
      ward: `${ours.toFixed(1)} MiB`,
      result: `${(ours / bare).toFixed(2)} ×`,
      target: 'reported',
      isMet: undefined,
    },
  ];
}

/** Reads only the hierarchy with the freezer: every process is in it. */
function sandboxPids(ward: Ward): string[] {
  return cgroupsOf(ward.instance)
    .filter((path) => ['freezer.state', 'cgroup.freeze'].some((name) => existsSync(join(path, name))))
    .flatMap((path) => readFileSync(join(path, 'cgroup.procs'), 'utf8').trim().split('\n'));
}

/** Private memory: what would be free if the process ended (/proc/PID/smaps_rollup). */
function privateBytes(pid: string): number {
  const lines = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB$/gm);
  return [...lines].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
}

async function bareNode(): Promise<number> {
  const child = startCommand([process.execPath, '-e', 'console.log(1); setInterval(() => {}, 1e6)'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  try {
    return privateBytes(String(child.pid));
  } finally {
    child.kill('SIGKILL');
  }
}
