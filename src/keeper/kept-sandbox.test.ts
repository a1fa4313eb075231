import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { keptSandbox } from './kept-sandbox.ts';
import { hearLines, sayLine } from './lines.ts';
import { linked } from './link.fixture.ts';
import type { KeeperLink } from './link.ts';

const exit = {
  ...{ code: 0, signal: null, outOfMemory: false, seccompKill: false, killed: true },
  runtimeError: undefined,
};
const usage = { memoryBytes: 1, memoryPeakBytes: 2, cpuUsec: 3, pids: 4, oomKills: 0, refusedForks: 0 };

/** A sandbox whose keeper is played by the test. */
async function kept() {
  const { link, keeper } = await linked();
  const asked: { readonly op: string; readonly id: number }[] = [];
  void hearLines(keeper, (request) => void asked.push(request as (typeof asked)[number]));
  const done: string[] = [];
  const sandbox = sandboxOver(link, 'a', done);
  return {
    ...{ link, keeper, sandbox, done },
    async answer(op: string, value: unknown) {
      await expect.poll(() => asked.map((request) => request.op)).toContain(op);
      const [request] = asked.splice(
        asked.findIndex((each) => each.op === op),
        1,
      );
      sayLine(keeper, { say: 'answer', id: request?.id, value });
    },
  };
}

function sandboxOver(link: KeeperLink, id: string, done: string[] = [], streams = newStreams()) {
  const cgroup = {
    freeze: async () => void done.push('freeze'),
    thaw: async () => void done.push('thaw'),
    weigh: (weight: number | 'idle') => void done.push(`weigh ${weight}`),
    usage: () => usage,
    cpuUsec: () => 3,
    refusals: () => expect.unreachable(),
  };
  const policy = { runtime: 'crun', cpuWeight: 100, egress: undefined } as const;
  return keptSandbox({ link, id, policy, cgroup, streams });
}

const newStreams = () => ({
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  channel: undefined,
});

test('files that are lent late do not freeze a sandbox that is about to end', async () => {
  const { link, sandbox, answer, done } = await kept();
  const frozen = sandbox.freeze();
  const ended = sandbox.destroy();
  await answer('lend', { isLent: true });
  await frozen;
  await answer('destroy', null);
  await ended;
  expect(done).toEqual([]);
  link.close();
});

test('the last weight requested counts', async () => {
  const { link, sandbox, answer, done } = await kept();
  sandbox.standBack(true);
  sandbox.standBack(false);
  await answer('lend', { isLent: true });
  await expect.poll(() => done).toEqual(['weigh 100']);
  link.close();
});

test('a sandbox has ended when its keeper has', async () => {
  const { keeper, sandbox } = await kept();
  keeper.destroy();
  await expect(sandbox.exited).resolves.toMatchObject({ signal: 'SIGKILL', killed: true });
  expect(sandbox.hasEnded()).toBe(true);
});

test('a sandbox that starts while its keeper ends has ended', async () => {
  const { link, keeper } = await linked();
  keeper.destroy();
  await link.ended;
  const sandbox = sandboxOver(link, 'a');
  await expect(sandbox.exited).resolves.toMatchObject({ signal: 'SIGKILL', killed: true });
});

test('sandboxes that have ended leave nothing in memory while the keeper lives', async () => {
  const { link, keeper } = await linked();
  const startAndEnd = async (id: string) => {
    const streams = newStreams();
    const { exited } = sandboxOver(link, id, [], streams);
    sayLine(keeper, { say: 'ended', sandbox: id, exit, usage });
    await exited;
    return new WeakRef(streams.stdout);
  };
  const ended = await Promise.all(Array.from({ length: 10 }, (_, at) => startAndEnd(`${at}`)));
  await nextTurn();
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  expect(ended.filter((each) => each.deref() !== undefined)).toEqual([]);
  link.close();
});

test('a way in says why it ended', async () => {
  const { link, keeper, sandbox, answer } = await kept();
  const opening = sandbox.wayIn(80);
  await answer('wayIn', { path: '/run/way' });
  const { path, said, ended } = await opening;
  expect([path, said()]).toEqual(['/run/way', undefined]);
  sayLine(keeper, { say: 'lost', sandbox: 'a', port: 80, why: 'its relay has ended' });
  await ended;
  expect(said()).toBe('its relay has ended');
  link.close();
});
