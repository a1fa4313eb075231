/**
 * The memory of Ward's own processes, in a control group of their own: how much they use when idle, how they cope with
 * little, and that they give memory back after a load. Sandboxes are in other groups.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { neededMiB } from '../src/server/platform/memory-plan.ts';
import { type MemoryGroup, memoryGroup, missingForGroups } from './memory-group.ts';
import { missingForOneMachine } from './one-machine.ts';
import { imagesDir, launcher, missingForSandboxes, outsideEnv, type Reply, Ward } from './ward.ts';

const missing =
  missingForSandboxes() ?? missingForOneMachine('measures the processes of one Ward') ?? missingForGroups();
/** The same code took 167 to 183 MiB. */
const idleMiB = 190;
/** Margin for caches of databases and compiled code, which stay. */
const afterwardsMiB = 270;
const mebibyte = 1024 * 1024;

/** Returns as much as it is asked for, and logs as much. */
const echo = `function main({ result = 0, log = 0 }) {
  const line = 'x'.repeat(999);
  for (let n = 0; n < log; n += 1000) console.log(line);
  return { text: 'y'.repeat(result) };
}`;

async function startIn(group: MemoryGroup): Promise<Ward> {
  const limits = { concurrentInvocations: 1000, invocationsPerMinute: 1_000_000 };
  const { ward } = await Ward.startSaying({ limits }, undefined, launcher, { through: group.before });
  const { status } = await ward.deploy('echo', echo);
  if (status === 200) {
    // The first scan of the action may find too little memory.
    await ward.until(async () => (await ward.invoke('echo')).status === 200);
    return ward;
  }
  await ward[Symbol.asyncDispose]();
  throw new Error(`the action was answered ${status}`);
}

const large = 900_000;

/** Sends one of every kind of request at once, and returns the status of each answer. */
async function mixedLoad(ward: Ward): Promise<readonly Reply[]> {
  const calls = Array.from({ length: 4 }, (_, n) => [
    ward.invoke('echo', { result: 10 }),
    ward.invoke('echo', { pad: 'p'.repeat(large) }),
    ward.invoke('echo', { result: large }),
    ward.invoke('echo', { log: 4_000_000 }),
    ward.deploy(`big-${n}`, `${echo} // ${'c'.repeat(4_000_000)}`),
    ward.request('GET', '/api/v1/namespaces/_/activations?limit=30'),
    ward.request('POST', '/v2/guest/app/blobs/uploads/?digest=sha256:00', {
      body: Buffer.alloc(4 * mebibyte),
    }),
  ]);
  return Promise.all(calls.flat());
}

describe.skipIf(missing)(`memory${missing ? ` (${missing})` : ''}`, () => {
  test.each([neededMiB, 400])(
    'under %d MiB Ward serves a mixed load, refuses what is too much, and survives',
    async (limitMiB) => {
      await using group = memoryGroup(limitMiB);
      await using ward = await startIn(group);
      const replies: Reply[] = [];
      for (let round = 0; round < 2; round++) replies.push(...(await mixedLoad(ward)));
      const statuses = new Set(replies.map(({ status }) => status));
      // 400: the pushed blob does not match its digest. 403: code that could not be scanned is denied.
      expect([...statuses].filter((status) => ![200, 202, 400, 403, 503].includes(status))).toEqual([]);
      for (const { status, headers } of replies)
        if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(4);
      await ward.until(async () => (await ward.invoke('echo', { result: 10 })).status === 200);
      console.log(
        `${limitMiB} MiB: ${replies.filter(({ status }) => status === 503).length} of ${replies.length} refused, peak ${group.peakMiB().toFixed(0)} MiB`,
      );
      expect(group.kills()).toBe(0);
    },
  );

  test('idle Ward is small, and gives back what a load took', async () => {
    // The first start of a version compiles all code, which takes memory until the next start.
    await using before = memoryGroup(undefined);
    await (await startIn(before))[Symbol.asyncDispose]();
    await using group = memoryGroup(undefined);
    await using ward = await startIn(group);
    await expect.poll(() => group.chargedMiB()).toBeLessThan(idleMiB);
    const idle = group.chargedMiB();
    let most = 0;
    for (let round = 0; round < 2; round++) {
      await mixedLoad(ward);
      most = Math.max(most, group.chargedMiB());
    }
    // Otherwise there is nothing to give back.
    expect(most).toBeGreaterThan(idle + 60);
    await expect.poll(() => group.chargedMiB()).toBeLessThan(Math.min((idle + most) / 2, afterwardsMiB));
    console.log(
      `idle ${idle.toFixed(0)} MiB, under load ${most.toFixed(0)}, afterwards ${group.chargedMiB().toFixed(0)}`,
    );
  });

  test('with less memory than it needs Ward does not start, and says how much it needs', async () => {
    await using group = memoryGroup(neededMiB - 20);
    const folder = await mkdtemp(join(tmpdir(), 'ward-memory-'));
    try {
      const dataDir = join(folder, 'data');
      const argv = [...group.before, process.execPath, launcher, 'up', '--data', dataDir];
      const env = { ...outsideEnv(), WARD_IMAGES: imagesDir };
      const { code, stderr } = await runCommand([...argv, '--listen', '127.0.0.1:0'], { env });
      expect(stderr).toContain(
        `its control group allows ${neededMiB - 20} MiB of memory, and Ward's own processes need ${neededMiB} MiB`,
      );
      expect([code, existsSync(dataDir)]).toEqual([1, false]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
