/** Calls that a busy sandbox gets early: none is lost, none runs twice, and none waits behind a slow one. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupsOf } from './cgroups.ts';
import { InvokerBench } from './invoker.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const counter = `const sandbox = require('node:crypto').randomUUID();
  let runs = 0;
  const main = async ({ ms }) => {
    runs++;
    if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
    return { sandbox, runs, ms };
  };`;

function pidsIn(group: string): readonly number[] {
  return readFileSync(join(group, 'cgroup.procs'), 'utf8').trim().split('\n').map(Number);
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
}

describe.skipIf(missing !== undefined)(`early calls${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;

  beforeAll(async () => {
    // One sandbox at a time: a call that runs twice counts twice.
    ward = await Ward.start({ invoker: { prewarm: [], memoryMiB: 256 } });
    await ward.raiseLimits();
  });
  afterAll(async () => {
    await ward[Symbol.asyncDispose]();
  });

  /** The counts of each sandbox. A busy machine may replace a sandbox, and the new one counts from zero. */
  const expectEachOnce = (results: readonly { readonly sandbox: string; readonly runs: number }[]) => {
    for (const answers of Map.groupBy(results, ({ sandbox }) => sandbox).values()) {
      const runs = answers.map((answer) => answer.runs).toSorted((a, b) => a - b);
      expect(runs).toEqual(Array.from(runs, (_, index) => index + 1));
    }
  };
  const burst = async (name: string, waits: readonly number[]) => {
    const replies = await Promise.all(waits.map((ms) => ward.invoke(name, { ms })));
    return replies.map(({ body }) => body.response.result);
  };

  it('are each run once', async () => {
    await ward.deploy('counter', counter);
    expectEachOnce(await burst('counter', new Array(300).fill(0)));
  });

  it('are each run once, though some turn out to be slow', async () => {
    await ward.deploy('counter', counter);
    const before = await burst('counter', new Array(50).fill(0));
    const waits = Array.from({ length: 120 }, (_, index) => (index % 30 === 10 ? 60 : 0));
    expectEachOnce([...before, ...(await burst('counter', waits))]);
  });

  it('are each run once, though their sandbox waits for a processor before it reads them', async () => {
    await ward.deploy('waiting', counter);
    const results = [...(await burst('waiting', new Array(50).fill(0)))];
    const runners = cgroupsOf(ward.instance)
      .flatMap((group) => pidsIn(group))
      .filter((pid) => commandOf(pid).includes('runner.cjs'));
    for (let round = 0; round < 3; round++) {
      for (const pid of runners) process.kill(pid, 'SIGSTOP');
      const calls = burst('waiting', new Array(20).fill(0));
      // Until long after the host stopped expecting quick answers.
      await new Promise((resolve) => setTimeout(resolve, 150));
      for (const pid of runners) process.kill(pid, 'SIGCONT');
      results.push(...(await calls));
    }
    expectEachOnce(results);
    // The sandbox was not ended for this.
    expect(results.filter(({ sandbox }) => sandbox === results[0]?.sandbox).length).toBeGreaterThan(52);
  });

  it('are run even if the one before ends the sandbox', async () => {
    await ward.deploy(
      'fragile',
      'const main = ({ exit }) => { if (exit) process.exit(1); return { pid: process.pid }; }',
    );
    await Promise.all(Array.from({ length: 50 }, () => ward.invoke('fragile')));
    const calls = Array.from({ length: 40 }, (_, index) => ward.invoke('fragile', { exit: index === 20 }));
    const replies = await Promise.all(calls);
    expect(replies.filter(({ status }) => status !== 200)).toHaveLength(1);
    expect(replies[20]?.body.response.result.error).toContain('exited unexpectedly');
  });

  it('keep their logs apart', async () => {
    await ward.deploy('speaker', 'const main = ({ n }) => { console.log("I am", n); return { n }; }');
    await Promise.all(Array.from({ length: 30 }, () => ward.invoke('speaker', { n: 0 })));
    const replies = await Promise.all(Array.from({ length: 40 }, (_, n) => ward.invoke('speaker', { n })));
    const logs = await Promise.all(
      replies.map(async ({ body }) => (await ward.activation(body.activationId)).logs),
    );
    expect(logs.map((lines) => lines.map((line: string) => line.slice(31)))).toEqual(
      replies.map((_, n) => [`stdout: I am ${n}`]),
    );
  });

  it.each([
    [
      'python:3.13',
      'import uuid\nruns, sandbox = 0, str(uuid.uuid4())\ndef main(args):\n  global runs\n  runs += 1\n  return {"sandbox": sandbox, "runs": runs}\n',
    ],
    [
      'ruby:3.3',
      'require "securerandom"\n$runs, $sandbox = 0, SecureRandom.uuid\ndef main(args)\n  { sandbox: $sandbox, runs: $runs += 1 }\nend\n',
    ],
    [
      'php:8.4',
      '<?php\n$runs = 0;\n$sandbox = bin2hex(random_bytes(16));\nfunction main(array $args): array { global $runs, $sandbox; return ["sandbox" => $sandbox, "runs" => ++$runs]; }\n',
    ],
    [
      'native:13',
      '#!/usr/bin/python3\nimport os, sys, uuid\nsandbox = str(uuid.uuid4())\nfor runs, line in enumerate(sys.stdin, 1):\n  os.write(3, b\'{"sandbox": "%s", "runs": %d}\\n\' % (sandbox.encode(), runs))\n',
    ],
  ])('are each run once by the other runners, too: %s', async (kind, code) => {
    const main = kind === 'native:13' ? 'actionloop' : 'main';
    await ward.deploy('counter', code, { kind, exec: { main } });
    const first = await burst('counter', new Array(100).fill(0));
    expectEachOnce([...first, ...(await burst('counter', new Array(100).fill(0)))]);
  });

  it('are done elsewhere when the action’s code has swallowed them', async () => {
    await using bench = await InvokerBench.open();
    const thief = await bench.target(
      `const { readSync } = require('node:fs');
       const main = ({ n, steals }) => {
         const until = Date.now() + steals;
         let stolen = 0;
         while (Date.now() < until) try { stolen += readSync(3, Buffer.alloc(65536)); } catch {}
         return { n, stolen };
       };`,
    );
    const call = async (n: number, steals = 0) => (await bench.run(thief, { n, steals })).result;
    // Repeats until the code has stolen a call: one that arrives while it reads, of an action that is known to be
    // quick. It reads for longer each time, since calls arrive late on a busy machine.
    for (let stolen = 0, ms = 15; stolen === 0; ms *= 2) {
      for (let n = 0; n < 30; n++) await call(n);
      const first = call(0, ms);
      await new Promise((resolve) => setTimeout(resolve, 1));
      const results = await Promise.all([first, ...[1, 2, 3].map((n) => call(n))]);
      expect(results).toMatchObject([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
      stolen = Object(results[0]).stolen;
    }
  });
});

describe.skipIf(missing !== undefined)(
  `calls at once in one sandbox${missing ? ` (${missing})` : ''}`,
  () => {
    let ward: Ward;

    beforeAll(async () => {
      ward = await Ward.start({ invoker: { prewarm: [], memoryMiB: 256 } });
      await ward.raiseLimits();
    });
    afterAll(async () => {
      await ward[Symbol.asyncDispose]();
    });

    const speakers = [
      [
        'nodejs:24',
        `const { randomUUID } = require('node:crypto');
       const process_ = randomUUID();
       const main = async ({ n }) => {
         console.log('begin', n);
         await new Promise((done) => setTimeout(done, 30));
         console.error('end', n);
         return { n, process_, id: process.env.__OW_ACTIVATION_ID };
       };`,
      ],
      [
        'python:3.13',
        `import os, sys, uuid
process_ = str(uuid.uuid4())
def main(args):
    print('begin', args['n'])
    print('end', args['n'], file=sys.stderr)
    return {'n': args['n'], 'process_': process_, 'id': os.environ['__OW_ACTIVATION_ID']}
`,
      ],
    ] as const;

    it.each(speakers)('each have their own log and environment: %s', async (kind, code) => {
      await ward.deploy('speaker', code, { kind, limits: { concurrency: 20 } });
      await ward.invoke('speaker', { n: -1 });
      const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => ward.invoke('speaker', { n })));
      const results = replies.map(({ body }) => body.response.result);
      expect(new Set(results.map(({ process_ }) => process_)).size).toBe(1);
      expect(results.map(({ id }) => id)).toEqual(replies.map(({ body }) => body.activationId));
      const records = await Promise.all(results.map(({ id }) => ward.activation(id)));
      // The order between two pipes is unknown.
      expect(records.map(({ logs }) => logs.map((line: string) => line.slice(31)).toSorted())).toEqual(
        replies.map((_, n) => [`stderr: end ${n}`, `stdout: begin ${n}`]),
      );
    });
  },
);
