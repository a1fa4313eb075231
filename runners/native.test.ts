import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  expectLateWhereItWaited,
  hasPython,
  logsOf,
  type Message,
  ok,
  type RunnerOptions,
  refused,
  TestRunner,
  nativeText as text,
} from './test-runner.ts';

const noResult = refused('The action did not return a dictionary or array.');
const loop = (body: string) => `#!/bin/bash\nwhile read -r line; do\n${body}\ndone\n`;
const echoLoop = loop('echo "$line" >&3');

/** The answer to `init` of the program in `files`. */
async function initOf(files: RunnerOptions['files'], language: 'native' | 'go' = 'native'): Promise<unknown> {
  await using runner = new TestRunner(language, { files, binary: true });
  return await runner.init();
}

async function runOf(
  code: string,
  value: unknown = {},
  options: Partial<RunnerOptions> = {},
): Promise<unknown> {
  await using runner = text(code, options);
  expect(await runner.init()).toEqual({ type: 'init-ok' });
  return await runner.run(value);
}

describe.skipIf(!hasPython)('the runner for native programs (needs /usr/bin/python3.13)', () => {
  describe('starts a program for each run, which', () => {
    const cases: [title: string, body: string, value: unknown, answer: Message][] = [
      ['has the parameters as its argument', 'echo "$1"', { a: 'é☃' }, ok({ a: 'é☃' })],
      ['also gets them on stdin, up to the end', 'cat; echo', { a: [1] }, ok({ a: [1] })],
      ['need not read them', 'echo []', { big: 'x'.repeat(1_000_000) }, ok([])],
      [
        'gets parameters that are too long for an argument on stdin only',
        'echo "[$#, $(wc -c)]"',
        'x'.repeat(200_000),
        ok([0, 200_002]),
      ],
      ['runs in the folder of its code', 'echo "[\\"$(ls)\\"]"', {}, ok(['exec'])],
      ['can end without a line feed', 'printf "{}"', {}, ok({})],
      ['can fail and have a result', 'echo "{}"; exit 3', {}, ok({})],
      ['says nothing', 'true', {}, noResult],
      ['prints no JSON', 'echo hello', {}, noResult],
      ['prints JSON that is not a result', 'echo 5', {}, noResult],
      ['prints more than JSON', 'echo "{} {}"', {}, noResult],
      ['says NaN', 'echo "[NaN]"', {}, noResult],
      ['is killed', 'kill -9 $$', {}, noResult],
      ['leaves a child that keeps its streams', 'sleep 5 2>/dev/null & echo "{}"', {}, ok({})],
    ];
    it.each(cases)('%s', async (_title, body, value, answer) => {
      expect(await runOf(`#!/bin/bash\n${body}\n`, value)).toEqual(answer);
    });

    it('finds the environment of its run', async () => {
      await using runner = text('#!/bin/bash\necho "[\\"$A$B\\"]"\n', { env: { A: 'init ' } });
      await runner.init();
      expect(await runner.run({}, { B: 'one' })).toEqual(ok(['init one']));
      expect(await runner.run({}, { B: 'two' })).toEqual(ok(['init two']));
    });

    it('takes no more memory with each run', async () => {
      // The program answers with the pages of its parent, the runner.
      await using runner = text(
        '#!/bin/bash\nread -r _ pages _ < /proc/$PPID/statm\necho "[$pages, $(printenv LONG | wc -c)]"\n',
      );
      await runner.init();
      const runs = async (from: number, to: number) => {
        let answer: unknown;
        for (let at = from; at < to; at++)
          answer = (await runner.run({}, { LONG: `${at}`.padEnd(100_000, '.') }))?.['value'];
        const [pages = 0, letters = 0] = answer as number[];
        expect(letters).toBe(100_001);
        return (pages * 4096) / 1e6;
      };
      const before = await runs(0, 20);
      // The values of these have 20 MB together.
      expect((await runs(20, 220)) - before).toBeLessThan(5);
    });

    it('logs all but its last line, as it goes', async () => {
      await using runner = text('#!/bin/bash\necho one; echo err >&2; printf "two\\n\\n"; echo "{}"\n');
      await runner.init();
      await runner.run();
      const { stdout, stderr } = await runner.close();
      expect(logsOf(stdout)).toEqual(['', 'one\ntwo\n\n', '']);
      expect(logsOf(stderr)).toEqual(['', 'err\n', '']);
    });

    it('logs the line that was not a result, and how the program ended', async () => {
      await using runner = text('#!/bin/bash\necho nothing; exit 7\n');
      await runner.init();
      await runner.run();
      const { stdout, stderr } = await runner.close();
      expect(logsOf(stdout)[1]).toBe('nothing\n');
      expect(logsOf(stderr)[1]).toBe('The program ended with exit code 7.\n');
    });

    it('suggests the other contract when the program answers by it', async () => {
      const code = '#!/usr/bin/python3\nimport os\nos.write(1 + 2, b"{}\\n")\n';
      expect(await runOf(code)).toMatchObject({
        ok: false,
        error: expect.stringMatching(/'actionloop' as its main/),
      });
      expect(await runOf(code, {}, { main: 'actionloop' })).toEqual(ok({}));
    });
  });

  describe('keeps a program that speaks ActionLoop, which', () => {
    it('gets parameters and the names of the run as a line of JSON', async () => {
      await using runner = text(echoLoop, { env: { __OW_NAMESPACE: 'guest', OTHER: 'x' } });
      await runner.init();
      const env = { __OW_ACTIVATION_ID: 'a1', __OW_DEADLINE: '17' };
      const value = { n: 12.5, text: 'é\n☃' };
      expect(await runner.run(value, env)).toEqual(
        ok({ value, namespace: 'guest', activation_id: 'a1', deadline: '17' }),
      );
    });

    it('gets and returns numbers with their spelling kept', async () => {
      await using runner = text(loop('echo "$line" >&2; echo \'[1.0, 1e400, 12345678901234567890]\' >&3'));
      await runner.init();
      const body = Buffer.from('{"type":"run","after":0,"sent":0,"id":"a1","value":{"n":1.0},"env":{}}');
      const header = Buffer.alloc(4);
      header.writeUInt32BE(body.length);
      runner.write(Buffer.concat([header, body]));
      // What Python would make of the second is no JSON.
      expect(await runner.next()).toMatchObject({ value: [1, Number.POSITIVE_INFINITY, expect.any(Number)] });
      const { stderr } = await runner.close();
      expect(stderr).toContain('"value":{"n":1.0}');
    });

    it('remembers, and writes its own log', async () => {
      await using runner = text(loop('n=$((n+1)); echo "log $n"; echo "{\\"n\\": $n}" >&3'));
      await runner.init();
      expect(await runner.run()).toEqual(ok({ n: 1 }));
      expect(await runner.run()).toEqual(ok({ n: 2 }));
      const { stdout } = await runner.close();
      expect(logsOf(stdout)).toEqual(['', 'log 1\n', 'log 2\n', '']);
    });

    it('can give a long answer', async () => {
      const answer = (await runOf(
        loop('printf \'["%s"]\\n\' "$(head -c 300000 /dev/zero | tr "\\0" x)" >&3'),
      )) as { value: string[] };
      expect(answer.value[0]).toHaveLength(300_000);
    });

    it('answers no run with what it wrote after an answer', async () => {
      await using runner = text(
        '#!/usr/bin/python3\nimport os\nfor n, _ in enumerate(open(0)):\n  os.write(3, b"[%d]\\n[9]\\n" % n)\n',
      );
      await runner.init();
      expect(await runner.run()).toEqual(ok([0]));
      expect(await runner.run()).toEqual(ok([1]));
    });

    it('is started again when it has ended', async () => {
      await using runner = text('#!/bin/bash\nread -r line\necho "[\\"$X\\"]" >&3\n');
      await runner.init();
      for (const id of ['a1', 'a2', 'a3']) {
        expect(await runner.run({}, { X: id }, id)).toMatchObject({ id, ok: true });
      }
    });

    it.each([
      ['ends', 'exit 4', /ended without an answer \(exit code 4\)/],
      ['is killed', 'kill -9 $$', /ended without an answer \(signal 9\)/],
      ['writes no JSON', 'echo no >&3', /did not return a dictionary or array/],
    ])('%s instead of answering', async (_title, body, error) => {
      await using runner = text(loop(body), { main: 'actionloop' });
      await runner.init();
      expect(await runner.run()).toMatchObject({ ok: false, error: expect.stringMatching(error) });
      expect(runner.late).toEqual([true]);
    });
  });

  it.each([
    ['a script that writes to fd 3', echoLoop],
    ['one that does so by /dev/fd', loop('echo "$line" > /dev/fd/3')],
    ['one in Python', '#!/usr/bin/python3\nimport os\nfor l in open(0):\n  os.write(3, l.encode())\n'],
  ])('recognises that %s speaks ActionLoop', async (_title, code) => {
    expect(await runOf(code, { a: 1 })).toMatchObject({ value: { value: { a: 1 } } });
  });

  it('recognises by exec.env a program that an OpenWhisk compiler made', async () => {
    const files = {
      exec: `#!/bin/sh\nexec ./loop 9>&1\n`,
      loop: echoLoop,
      'exec.env': 'openwhisk/action-x\n',
    };
    await using runner = new TestRunner('native', { files, binary: true });
    await runner.init();
    expect(await runner.run({ a: 1 })).toMatchObject({ value: { value: { a: 1 } } });
  });

  it('does not mistake a script that uses fd 3 itself for an ActionLoop program', async () => {
    expect(await runOf('#!/bin/bash\nexec 3>&1\necho "$1" >&3\n', { a: 1 })).toEqual(ok({ a: 1 }));
  });

  it.each([
    ['no program', { 'run.sh': '' }, /there is no file 'exec' at the root/],
    ['neither ELF nor script', { exec: 'echo {}' }, /neither an ELF file nor a script/],
    [
      'an interpreter that is missing',
      { exec: '#!/usr/bin/nothing -x\n' },
      /'\/usr\/bin\/nothing' is not in this image/,
    ],
    ['no interpreter', { exec: '#!\n' }, /'' is not in this image/],
    [
      'an ELF file for a processor of 1970',
      { exec: Buffer.from('\x7fELF\x02\x01'.padEnd(64, '\0')) },
      /another processor/,
    ],
  ])('refuses at once what has %s', async (_title, files, error) => {
    expect(await initOf(files)).toMatchObject({ type: 'init-error', error: expect.stringMatching(error) });
  });

  it('runs an ELF file', async () => {
    await using runner = new TestRunner('native', {
      files: { exec: readFileSync('/usr/bin/printf') },
      binary: true,
    });
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    expect(await runner.run({ a: 1 })).toEqual(ok({ a: 1 }));
  });

  it('ignores activations sent early once one has been slow', async () => {
    await using runner = text(loop('n=$((n+1)); [ $n = 1 ] && sleep 0.05; echo "[$n]" >&3'));
    await runner.init();
    const send = (id: string, after: number) => runner.send({ type: 'run', id, after, value: {}, env: {} });
    send('slow', 0);
    send('void', 0);
    expect(await runner.next()).toMatchObject({ id: 'slow' });
    send('also void', 0);
    send('good', 1);
    expect(await runner.next()).toEqual({ type: 'result', id: 'good', ok: true, value: [2] });
    // The next one is late, too, if it waits for a processor.
    expect(runner.late[0]).toBe(true);
  });

  it('marks a run as late that waited for a processor before it was read', async () => {
    await using runner = text(loop('echo {} >&3'));
    await runner.init();
    await expectLateWhereItWaited(runner);
  });

  it('ends when the host closes the channel, whatever its program does', async () => {
    await using runner = text(loop('sleep 60'));
    await runner.init();
    expect(await runner.close()).toMatchObject({ exit: 0 });
  });

  describe('for Go', () => {
    it('takes an ActionLoop program without a hint', async () => {
      const exec = '#!/bin/bash\nexec ./main 9>&1\n';
      await using runner = new TestRunner('go', { files: { exec, main: echoLoop }, binary: true });
      await runner.init();
      expect(await runner.run({ a: 1 })).toMatchObject({ value: { value: { a: 1 } } });
    });

    it('asks to compile the code when it is source code', async () => {
      expect(await initOf({ exec: 'package main\n' }, 'go')).toMatchObject({
        type: 'init-error',
        error: expect.stringMatching(/no compiler here: compile it for Linux/),
      });
    });
  });
});
