import { describe, expect, it } from 'vitest';
import {
  encode,
  expectLateWhereItWaited,
  hasPython,
  logsOf,
  ok,
  refused,
  pythonText as text,
} from './test-runner.ts';

describe.skipIf(!hasPython)('the Python runner (needs /usr/bin/python3.13)', () => {
  it('ignores activations sent early once one has been slow', async () => {
    await using runner = text(
      'import time\nruns = 0\ndef main(args):\n  global runs\n  runs += 1\n  time.sleep(args["s"])\n  return {"runs": runs}\n',
    );
    await runner.init();
    const send = (id: string, after: number, s = 0) =>
      runner.send({ type: 'run', id, after, value: { s }, env: {} });
    send('slow', 0, 0.04);
    send('void', 0);
    expect(await runner.next()).toMatchObject({ id: 'slow' });
    send('also void', 0);
    send('good', 1);
    send('early', 1);
    expect(await runner.next()).toEqual({ type: 'result', id: 'good', ok: true, value: { runs: 2 } });
    expect(await runner.next()).toEqual({ type: 'result', id: 'early', ok: true, value: { runs: 3 } });
    expect(runner.late).toEqual([true, false, false]);
  });

  it('marks a run as late that waited for a processor before it was read', async () => {
    await using runner = text('def main(args):\n  return args\n');
    await runner.init();
    await expectLateWhereItWaited(runner);
  });

  it('announces an early run before it begins it', async () => {
    await using runner = text('def main(args):\n  return args\n');
    await runner.init();
    runner.send({ type: 'run', id: 'a', after: 0, early: true, value: {}, env: {} });
    expect(await runner.next()).toEqual({ type: 'begun', id: 'a' });
    expect(await runner.next()).toMatchObject({ type: 'result', id: 'a' });
  });

  it('does every run when the action allows concurrency', async () => {
    await using runner = text('import time\ndef main(args):\n  time.sleep(0.03)\n  return args\n', {
      env: { __OW_ALLOW_CONCURRENT: 'true' },
    });
    await runner.init();
    for (const id of ['a', 'b', 'c']) runner.send({ type: 'run', id, after: 0, value: { id }, env: {} });
    for (const id of ['a', 'b', 'c']) expect(await runner.next()).toMatchObject({ id, value: { id } });
  });

  describe('answers with', () => {
    const unJson = (why: string) =>
      refused(`The action returned a value that can't be turned into JSON: ${why}`);
    const noResult = refused('The action did not return a dictionary or array.');
    const cases: [title: string, body: string, answer: object][] = [
      ['a dictionary', 'return {"a": [1, 2.5, None, True, "é😀"]}', ok({ a: [1, 2.5, null, true, 'é😀'] })],
      ['a list', 'return [1, 2]', ok([1, 2])],
      ['a tuple', 'return (1, 2)', ok([1, 2])],
      ['a subclass of dict', 'import collections; return collections.OrderedDict(a=1)', ok({ a: 1 })],
      ['keys that are numbers', 'return {1: 1, None: 2}', ok({ 1: 1, null: 2 })],
      ['control characters', 'return {"a": "\\0\\n\\"\\\\ \\u2028"}', ok({ a: '\0\n"\\ \u2028' })],
      ['an error field', 'return {"error": "mine"}', ok({ error: 'mine' })],
      ['nothing', 'pass', noResult],
      ['a string', 'return "text"', noResult],
      ['a number', 'return 1', noResult],
      ['NaN', 'return {"a": float("nan")}', unJson('Out of range float values are not JSON compliant: nan')],
      [
        'infinity',
        'return {"a": float("inf")}',
        unJson('Out of range float values are not JSON compliant: inf'),
      ],
      ['a set', 'return {"a": {1}}', unJson('Object of type set is not JSON serializable')],
      ['bytes', 'return {"a": b""}', unJson('Object of type bytes is not JSON serializable')],
      [
        'a key that is a tuple',
        'return {(1, 2): 1}',
        unJson('keys must be str, int, float, bool or None, not tuple'),
      ],
      ['a cycle', 'a = {}; a["a"] = a; return a', unJson('Circular reference detected')],
      [
        'deep nesting',
        'a = []\n  for _ in range(100_000): a = [a]\n  return a',
        unJson('maximum recursion depth exceeded while encoding a JSON object'),
      ],
      [
        'half a surrogate pair',
        'return {"a": "\\ud800"}',
        unJson("'utf-8' codec can't encode character '\\ud800' in position 6: surrogates not allowed"),
      ],
      [
        'a generator',
        'return {"a": (x for x in ())}',
        unJson('Object of type generator is not JSON serializable'),
      ],
      ['an exception', 'raise ValueError("no é")', ok({ error: 'no é' })],
      [
        'an exception whose text fails',
        'class E(Exception):\n    __str__ = None\n  raise E()',
        ok({ error: 'E' }),
      ],
      [
        'an exception with half a surrogate pair',
        'raise ValueError("\\ud800")',
        unJson("'utf-8' codec can't encode character '\\ud800' in position 10: surrogates not allowed"),
      ],
      ['too deep a recursion', 'return main(args)', ok({ error: 'maximum recursion depth exceeded' })],
    ];
    it.each(cases)('%s', async (_title, body, answer) => {
      await using runner = text(`def main(args):\n  ${body}`);
      await runner.init();
      expect(await runner.run()).toEqual(answer);
      expect(await runner.run({}, {}, 'a2')).toEqual({ ...answer, id: 'a2' });
    });

    it.each([
      ['return args["x"]', "KeyError: 'x'"],
      ['raise ValueError()', 'ValueError'],
    ])('%s is reported with its type, because its text says little', async (body, error) => {
      await using runner = text(`def main(args):\n  ${body}`);
      await runner.init();
      expect(await runner.run()).toEqual(ok({ error }));
    });

    it('megabytes', async () => {
      await using runner = text('def main(args): return {"value": args["value"], "again": args["value"]}');
      await runner.init();
      const value = 'é😀'.repeat(200_000);
      expect(await runner.run({ value })).toEqual(ok({ value, again: value }));
      expect(await runner.run({ value: 1 })).toEqual(ok({ value: 1, again: 1 }));
    });
  });

  describe('logs', () => {
    it('end with a sentinel on a line of its own, before the answer', async () => {
      await using runner = text(`
import sys, os
print('loading')
def main(args):
  print('out'); print('err', file=sys.stderr); sys.stdout.write('a'); sys.stdout.flush(); sys.stdout.buffer.write(b'b' + args['end'].encode())
  sys.stderr.write('c\\udcff' + args['end'])
  return args`);
      await runner.init();
      await runner.run({ end: '' });
      await runner.run({ end: '\n' });
      await runner.run({ end: '\n\n' });
      const { stdout, stderr } = await runner.close();
      expect(logsOf(stdout)).toEqual(['loading\n', 'out\nab\n', 'out\nab\n', 'out\nab\n\n', '']);
      expect(logsOf(stderr)).toEqual(['', 'err\nc\\udcff\n', 'err\nc\\udcff\n', 'err\nc\\udcff\n\n', '']);
    });

    it('hold the traceback of an exception, without the frames of the runner', async () => {
      await using runner = text('def main(args):\n  raise ValueError("no")');
      await runner.init();
      await runner.run();
      const file = `${runner.folder}/__main__.py`;
      expect(logsOf((await runner.close()).stderr)[1]).toBe(
        `Traceback (most recent call last):\n  File "${file}", line 2, in main\n    raise ValueError("no")\nValueError: no\n`,
      );
    });

    it('are not overtaken by the sentinel when the pipe is full', async () => {
      await using runner = text('def main(args):\n  print("x" * 5_000_000)\n  print("last")\n  return args');
      await runner.init();
      await runner.run();
      const [, log] = logsOf((await runner.close()).stdout);
      expect(log?.length).toBe(5_000_001 + 5);
    });

    it('are out, line by line, when the process is killed', async () => {
      await using runner = text('import os\ndef main(args):\n  print("one")\n  os.kill(os.getpid(), 9)');
      await runner.init();
      expect(await runner.run()).toBeUndefined();
      expect(await runner.exited).toBe('SIGKILL');
      expect(logsOf(await runner.stdout)).toEqual(['', 'one\n']);
    });
  });

  describe('user code that ends the process', () => {
    const cases: [title: string, body: string, code: number, log: string][] = [
      ['sys.exit', 'import sys; print("a", end=""); sys.exit(3)', 3, ''],
      ['exit with a text', 'exit("over")', 1, 'over\n'],
      ['os._exit', 'import os; os._exit(4)', 4, ''],
    ];
    it.each(cases)('by %s', async (_title, body, code, log) => {
      await using runner = text(`def main(args):\n  ${body}`);
      await runner.init();
      expect(await runner.run()).toBeUndefined();
      expect(await runner.exited).toBe(code);
      expect(logsOf(await runner.stderr)[1]).toBe(log);
    });
  });

  describe('the channel', () => {
    it('is read in pieces of any size', async () => {
      await using runner = text('def main(args): return args');
      await runner.init();
      const frames = Buffer.concat(
        ['a', 'b'].map((id) => encode({ type: 'run', id, value: { id }, env: {} })),
      );
      for (const byte of frames) {
        runner.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      runner.write(frames);
      for (const id of ['a', 'b', 'a', 'b']) {
        expect(await runner.next()).toEqual({ type: 'result', id, ok: true, value: { id } });
      }
    });

    it('ends the process when it closes, whatever threads user code has', async () => {
      await using runner = text(
        'import threading\nthreading.Thread(target=threading.Event().wait).start()\ndef main(args): return args',
      );
      await runner.init();
      expect((await runner.close()).exit).toBe(0);
    });

    it('is not inherited by the programs that user code starts', async () => {
      await using runner = text(`import os, subprocess
def main(args):
  channel = os.readlink('/proc/self/fd/3')
  listing = subprocess.check_output(['ls', '-l', '/proc/self/fd'], close_fds=False).decode()
  return {'isSocket': channel.startswith('socket:'), 'isListed': '->' in listing, 'isInherited': channel in listing}`);
      await runner.init();
      expect(await runner.run()).toEqual(ok({ isSocket: true, isListed: true, isInherited: false }));
    });
  });

  it('leaves multiprocessing usable', async () => {
    await using runner = text(`import multiprocessing
def double(n): return 2 * n
def main(args):
  with multiprocessing.get_context('fork').Pool(2) as pool: return pool.map(double, args)`);
    await runner.init();
    expect(await runner.run([1, 2])).toEqual(ok([2, 4]));
  });

  describe('user code that breaks the language', () => {
    const cases = [
      'import sys; sys.stdout = sys.stderr = None',
      'import sys; sys.stdout.close(); sys.stderr.close()',
      'import io, sys; sys.stdout = io.StringIO()',
      'import os; os.write = os.read = os.close = None',
      'import json; json.loads = json.dumps = None',
      'import os; os.environ = {}',
      'import os; os.close(1); os.close(2)',
      'import sys; sys.modules.clear()',
      'import builtins; builtins.print = builtins.open = builtins.compile = None',
      'import sys; sys.path.clear(); sys.argv.clear()',
      'import sys; sys.setrecursionlimit(60)',
      'import gc, sys; gc.disable(); sys.settrace(lambda *a: None); sys.setprofile(lambda *a: None)',
    ];
    it.each(cases)('%s', async (code) => {
      await using runner = text(`${code}
def main(args):
  if args.get('fail'): raise ValueError('mine')
  return {'a': 1}`);
      expect(await runner.init()).toEqual({ type: 'init-ok' });
      for (let round = 0; round < 2; round++) {
        expect(await runner.run({}, { __OW_A: '1' })).toEqual(ok({ a: 1 }));
        expect(await runner.run({ fail: true })).toEqual(ok({ error: 'mine' }));
      }
      expect((await runner.close()).exit).toBe(0);
    });
  });
});
