/** Answers that wait until the refusals before them are told. The sandbox is a double; a real one is tested in `test/`. */
import { once } from 'node:events';
import { duplexPair, PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Sandbox, SandboxExit } from '../../sandbox/index.ts';
import { encodeFrame } from '../channel/frames.ts';
import { createIntakes } from '../channel/intake.ts';
import { RunnerProcess } from './runner-process.ts';

const exit: SandboxExit = {
  ...{ code: 1, signal: null, outOfMemory: false, seccompKill: false, killed: false, runtimeError: '' },
};

function start() {
  const [host, inside] = duplexPair();
  const exited = Promise.withResolvers<SandboxExit>();
  const told: PromiseWithResolvers<undefined>[] = [];
  const parts = {
    ...{ channel: host, stdout: new PassThrough(), stderr: new PassThrough() },
    exited: exited.promise,
    destroy: async () => exited.resolve(exit),
    examine() {},
    refusalsTold() {
      const one = Promise.withResolvers<undefined>();
      told.push(one);
      return one.promise;
    },
  };
  const runner = new RunnerProcess(parts as unknown as Sandbox, createIntakes({ onRelease() {} }));
  const run = (id: string) => runner.run({ id, value: {}, env: {} }, { timeoutMs: 60_000 });
  const answer = (id: string) => {
    const result = { type: 'result', id, ok: true, quiet: true, value: { id } };
    inside.write(encodeFrame(JSON.stringify(result)));
  };
  return { host, inside, told, runner, run, answer };
}

test('an answer counts, though its program ends before earlier refusals are told', async () => {
  const { host, inside, told, runner, run, answer } = start();
  const ran = run('a');
  answer('a');
  inside.end();
  await once(host, 'end');
  for (const each of told) each.resolve(undefined);
  expect((await ran)?.outcome).toMatchObject({ kind: 'value', value: { id: 'a' } });
  await runner.ended;
});

test('answers keep their order, though later refusals are told first', async () => {
  const { told, runner, run, answer } = start();
  const runs = ['a', 'b'].map(run);
  for (const id of ['a', 'b']) answer(id);
  await expect.poll(() => told.length).toBe(2);
  told[1]?.resolve(undefined);
  await new Promise(setImmediate);
  told[0]?.resolve(undefined);
  const outcomes = (await Promise.all(runs)).map((end) => end?.outcome);
  expect(outcomes).toMatchObject([{ value: { id: 'a' } }, { value: { id: 'b' } }]);
  await runner.end('ended');
});

test('an answer counts, though nobody can tell refusals any more', async () => {
  const { told, runner, run, answer } = start();
  const ran = run('a');
  answer('a');
  await expect.poll(() => told.length).toBe(1);
  told[0]?.reject(new Error('the keeper has ended'));
  expect((await ran)?.outcome).toMatchObject({ kind: 'value' });
  await runner.end('ended');
});
