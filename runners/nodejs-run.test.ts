import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  encode,
  expectLateWhereItWaited,
  logsOf,
  ok,
  refused,
  sentinel,
  type TestRunner,
  nodeText as text,
} from './test-runner.ts';

const lost = (type: string) =>
  refused(
    `The action returned a value that can't be turned into JSON: JSON can't represent the content of an object of type ${type}. Return a plain object or an array.`,
  );

describe('results', () => {
  const cases: [title: string, body: string, answer: object][] = [
    ['nothing', '', ok({})],
    ['an object', 'return { a: [1, null, "é😀"] }', ok({ a: [1, null, 'é😀'] })],
    ['an array', 'return [1, 2]', ok([1, 2])],
    ['a promise', 'return new Promise((resolve) => setTimeout(resolve, 5, { a: 1 }))', ok({ a: 1 })],
    ['a promise of nothing', 'return Promise.resolve()', ok({})],
    ['a thenable', 'return { then: (resolve) => resolve({ a: 1 }) }', ok({ a: 1 })],
    ['an object with toJSON', 'return { toJSON: () => ({ a: 1 }) }', ok({ a: 1 })],
    ['fields that JSON can’t represent', 'return { a: undefined, b: () => 1, c: NaN }', ok({ c: null })],
    ['half a surrogate pair', 'return { a: "\\ud800" }', ok({ a: '\ud800' })],
    ['an error field', 'return { error: "mine" }', ok({ error: 'mine' })],
    ['a string', 'return "text"', refused('The action did not return a dictionary.')],
    ['a number', 'return 1', refused('The action did not return a dictionary.')],
    ['null', 'return null', refused('The action did not return a dictionary.')],
    ['a function', 'return main', refused('The action did not return a dictionary.')],
    ['an empty object of a class', 'return new (class A {})()', ok({})],
    ['an empty object without a prototype', 'return Object.create(null)', ok({})],
    ['a date', 'return new Date()', refused('The action did not return a dictionary.')],
    [
      'a promise of a string',
      'return Promise.resolve("text")',
      refused('The action did not return a dictionary.'),
    ],
    [
      'a cycle',
      'const a = {}; a.a = a; return a',
      refused(
        expect.stringMatching(
          /^The action returned a value that can't be turned into JSON: TypeError: Converting circular/u,
        ),
      ),
    ],
    [
      'a big integer',
      'return { a: 1n }',
      refused(expect.stringMatching(/turned into JSON: TypeError: Do not know how to serialize a BigInt/u)),
    ],
    ['an exception', 'throw new RangeError("no")', refused('An error has occurred: RangeError: no')],
    ['a thrown string', 'throw "no"', refused('An error has occurred: no')],
    ['a thrown nothing', 'throw undefined', refused('An error has occurred: undefined')],
    [
      'a thrown thing without a text',
      'throw Object.create(null)',
      refused('An error has occurred: a value that has no text'),
    ],
    [
      'a thrown proxy that throws',
      'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 } })',
      refused('An error has occurred: a value that has no text'),
    ],
    ['a rejection', 'return Promise.reject({ code: 7 })', ok({ error: { code: 7 } })],
    ['a rejection with a string', 'return Promise.reject("no")', ok({ error: 'no' })],
    ['a rejection without a reason', 'return Promise.reject()', ok({ error: {} })],
    [
      'a rejection with a cycle',
      'const a = { b: 1n }; a.a = a; return Promise.reject(a)',
      ok({ error: { a: '[Circular]', b: '1' } }),
    ],
    ['a rejection with a function', 'return Promise.reject(main)', ok({ error: '[Function: main]' })],
    [
      'a rejection that throws',
      'return Promise.reject({ get a() { throw new Error("no") } })',
      ok({ error: '[object Object]' }),
    ],
    [
      'a rejection with an Error',
      'return Promise.reject(Object.assign(new TypeError("no", { cause: "why" }), { code: "E", data: { a: [1] }, f() {} }))',
      ok({
        error: {
          name: 'TypeError',
          message: 'no',
          stack: expect.stringMatching(/^TypeError: no\n {4}at main/u),
          cause: 'why',
          code: 'E',
          data: { a: [1] },
        },
      }),
    ],
  ];
  it.each(cases)('%s', async (_title, body, answer) => {
    await using runner = text(`function main() { ${body} }`);
    await runner.init();
    expect(await runner.run()).toEqual(answer);
    expect(await runner.run({}, {}, 'a2')).toEqual({ ...answer, id: 'a2' });
  });

  it.each([
    ['an async generator', 'return (async function* () { yield 1 })()', 'AsyncGenerator'],
    ['a generator', 'return (function* () { yield 1 })()', 'Generator'],
    ['a map', 'return new Map([["a", 1]])', 'Map'],
    ['a promise of a response', 'return Promise.resolve(new Response("text"))', 'Response'],
    ['an error that is returned', 'return new Error("no")', 'Error'],
    ['what can be gone through', 'return { __proto__: { *[Symbol.iterator]() {} } }', 'Object'],
  ])('%s is not a result: JSON can’t represent its content', async (_title, body, type) => {
    await using runner = text(`function main() { ${body} }`);
    await runner.init();
    expect(await runner.run()).toEqual(lost(type));
  });

  it('takes and gives megabytes', async () => {
    await using runner = text('const main = ({ value }) => ({ value, again: value })');
    await runner.init();
    const value = 'é😀'.repeat(200_000);
    expect(await runner.run({ value })).toEqual(ok({ value, again: value }));
    expect(await runner.run({ value: 1 })).toEqual(ok({ value: 1, again: 1 }));
  });

  it.each([
    ['thrown', '', 'throw'],
    ['rejected', 'async ', 'await 1; throw'],
  ])('%s errors are logged with their line and only the frames of user code', async (_how, kind, fail) => {
    const code = `const broken = (o) => o.a.b;\n${kind}function main(p) {\n\t${fail} broken(p);\n}`;
    await using runner = text(code);
    await runner.init();
    const answer = await runner.run();
    const file = join(runner.folder, 'index.js');
    const [, log] = logsOf((await runner.close()).stderr);
    const error = "TypeError: Cannot read properties of undefined (reading 'b')";
    const stack = [error, `    at broken (${file}:1:27)`, expect.stringContaining(`at main (${file}:3:`)];
    const excerpt = [`${file}:1`, 'const broken = (o) => o.a.b;', `${' '.repeat(26)}^`, ''];
    expect(log?.trimEnd().split('\n')).toEqual([...excerpt, ...stack]);
    const rejection = answer?.['value'] as { error: { stack: string } } | undefined;
    expect((rejection?.error.stack ?? log ?? '').trimEnd().split('\n').slice(-3)).toEqual(stack);
  });

  it('a rejection with a value other than an Error becomes the result and is not logged', async () => {
    await using runner = text('function main() { return Promise.reject({ statusCode: 404 }) }');
    await runner.init();
    expect(await runner.run()).toEqual(ok({ error: { statusCode: 404 } }));
    const { stderr } = await runner.close();
    expect(logsOf(stderr)).toEqual(['', '', '']);
  });

  it('writes the stack of an exception to the log', async () => {
    await using runner = text('function main() { throw Object.assign(new Error("no"), { code: "E" }) }');
    await runner.init();
    await runner.run();
    const [, log] = logsOf((await runner.close()).stderr);
    expect(log).toMatch(
      /^\S+index\.js:1\nfunction main\(\) \{ throw .*\n {38}\^\n\nError: no\n {4}at main \(\S+index\.js:1:39\) \{\n {2}code: 'E'\n\}\n$/u,
    );
  });
});

describe('environment', () => {
  it('is set before the code is loaded and for each activation', async () => {
    await using runner = text(
      'const atLoad = process.env.__OW_A; const main = () => ({ atLoad, a: process.env.__OW_A })',
      { env: { __OW_A: '1' } },
    );
    await runner.init();
    expect(await runner.run({}, { __OW_A: '2' })).toEqual(ok({ atLoad: '1', a: '2' }));
    expect(await runner.run({}, { __OW_A: '3' })).toEqual(ok({ atLoad: '1', a: '3' }));
  });

  it.each([
    ['a property', 'process.env.ID'],
    ['an import', "(await import('node:process')).env.ID"],
    ['JSON', 'JSON.parse(JSON.stringify(process.env)).ID'],
    ['a copy', '({ ...process }).env.ID'],
    ['a clone', 'structuredClone(process.env).ID'],
    ['another process', "execFileSync('/bin/sh', ['-c', 'echo $ID'], { encoding: 'utf8' }).trim()"],
    [
      'a thread',
      'await new Promise((done) => new Worker(tell, { eval: true, env: process.env }).on("message", done))',
    ],
  ])('has the variables of a run in which the code looks for the first time, by %s', async (_, look) => {
    await using runner = text(
      `const { execFileSync } = require('node:child_process');
       const { Worker } = require('node:worker_threads');
       const tell = 'require("node:worker_threads").parentPort.postMessage(process.env.ID)';
       let kept = {};
       const main = async ({ looks }) => {
         if (!looks) return {};
         const id = ${look};
         const before = kept.ID;
         kept = process.env;
         return { id, before };
       };`,
      { env: { ID: 'init' } },
    );
    await runner.init();
    expect(await runner.run({ looks: false }, { ID: 'a' })).toEqual(ok({}));
    expect(await runner.run({ looks: true }, { ID: 'b' })).toEqual(ok({ id: 'b' }));
    expect(await runner.run({ looks: true }, { ID: 'c' })).toEqual(ok({ id: 'c', before: 'c' }));
  });

  it('can be replaced by the code', async () => {
    await using runner = text(
      `process.env = { ...process.env, MORE: '1' };
       const main = () => ({ id: process.env.ID, more: process.env.MORE });`,
    );
    await runner.init();
    for (const id of ['a', 'b']) expect(await runner.run({}, { ID: id })).toEqual(ok({ id, more: '1' }));
  });

  it('is not touched until the code looks at it', async () => {
    // libuv asks the C library.
    await using runner = text(
      `const { homedir } = require('node:os');
       const main = ({ looks }) => ({ looks: looks && process.env.HOME, is: homedir() });`,
      { env: { HOME: '/init' } },
    );
    await runner.init();
    const seen = async (looks: boolean, HOME: string) => (await runner.run({ looks }, { HOME }))?.['value'];
    expect(await seen(false, '/a')).toEqual({ looks: false, is: '/init' });
    expect(await seen(true, '/b')).toEqual({ looks: '/b', is: '/b' });
    expect(await seen(false, '/c')).toEqual({ looks: false, is: '/c' });
  });

  it('turns values into strings, as OpenWhisk does', async () => {
    const env = { A: 'text', B: 7, C: true, D: false, E: null, F: { a: [1] }, G: 0 };
    await using runner = text(
      'const main = (names) => Object.fromEntries(names.map((n) => [n, process.env[n]]))',
      { env },
    );
    await runner.init();
    expect(await runner.run(Object.keys(env))).toEqual(
      ok({ A: 'text', B: '7', C: 'true', D: '', E: '', F: '{"a":[1]}', G: '' }),
    );
  });
});

describe('several activations at once', () => {
  it('are answered as they end', async () => {
    await using runner = text(
      'const main = ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, { ms }))',
      { env: { __OW_ALLOW_CONCURRENT: 'true' } },
    );
    await runner.init();
    const waits = [60, 40, 20, 0];
    for (const ms of waits) runner.send({ type: 'run', id: `a${ms}`, value: { ms }, env: {} });
    for (const ms of waits.toReversed()) {
      expect(await runner.next()).toEqual({ type: 'result', id: `a${ms}`, ok: true, value: { ms } });
    }
  });

  const together = { env: { __OW_ALLOW_CONCURRENT: 'true', __OW_ACTIVATION_ID: 'init', COMMON: '1' } };
  const both = async (runner: TestRunner, value: object = {}) => {
    for (const id of ['a', 'b'])
      runner.send({ type: 'run', id, value, env: { __OW_ACTIVATION_ID: id, __OW_API_KEY: `key of ${id}` } });
    return [await runner.next(), await runner.next()];
  };

  it('are announced once the code has been loaded', async () => {
    await using runner = text('const main = () => ({})', together);
    expect(await runner.init()).toEqual({ type: 'init-ok', concurrent: true });
  });

  it('each have their own environment, in what they await and in what they start', async () => {
    await using runner = text(
      `const { env } = process;
       const { execFile } = require('node:child_process');
       const atLoad = env.__OW_ACTIVATION_ID;
       const id = () => process.env.__OW_ACTIVATION_ID;
       const main = async () => {
         const ids = [id()];
         await new Promise((done) => setTimeout(done, 20));
         ids.push(id(), env.__OW_ACTIVATION_ID, { ...env }.__OW_ACTIVATION_ID);
         await new Promise((done) => execFile('/bin/sh', ['-c', 'echo $__OW_ACTIVATION_ID $COMMON'], (_, out) => done(ids.push(out.trim()))));
         process.env.COMMON = '2';
         delete process.env.__OW_API_KEY;
         return { atLoad, ids, key: process.env.__OW_API_KEY ?? 'none', has: '__OW_API_KEY' in process.env };
       };`,
      together,
    );
    await runner.init();
    for (const { id, value } of (await both(runner)) as { id: string; value: unknown }[])
      expect(value).toEqual({
        atLoad: 'init',
        ids: [id, id, id, id, expect.stringMatching(new RegExp(`^${id} [12]$`))],
        key: 'none',
        has: false,
      });
  });

  it('mark each line with their id, also when two of them write unfinished lines', async () => {
    await using runner = text(
      `const main = async () => {
         const id = process.env.__OW_ACTIVATION_ID;
         process.stdout.write('half of ' + id);
         await new Promise((done) => setTimeout(done, 20));
         console.log(', rest of ' + id + '\\nmore of ' + id);
         if (id === 'b') throw new Error('b fails');
         setTimeout(() => console.log('left behind'), 5);
         return new Promise((done) => setTimeout(done, id === 'a' ? 1 : 20, {}));
       };`,
      together,
    );
    await runner.init();
    await both(runner);
    await new Promise((done) => setTimeout(done, 20));
    runner.send({ type: 'run', id: 'c', value: {}, env: {} });
    await runner.next();
    await runner.close();
    const mark = (id: string) => `XXX_A_LINE_OF_A_WHISK_ACTIVATION_XXX ${id} `;
    const lines = (await runner.raw.stdout).split('\n').filter((line) => !line.startsWith(sentinel));
    expect(lines.slice(0, 7)).toEqual([
      `${mark('a')}half of a`,
      `${mark('b')}half of b`,
      `${mark('a')}, rest of a`,
      `${mark('a')}more of a`,
      `${mark('b')}, rest of b`,
      `${mark('b')}more of b`,
      'left behind',
    ]);
    const errors = (await runner.raw.stderr).split('\n').filter((line) => line.includes('b fails'));
    expect(errors.every((line) => line.startsWith(mark('b')))).toBe(true);
    expect(errors).not.toEqual([]);
  });

  it('are each quiet on their own: one that wrote gets its sentinel, whichever ends first', async () => {
    await using runner = text(
      `const main = async ({ ms, says }) => {
         if (says) console.log('said');
         await new Promise((done) => setTimeout(done, ms));
         return {};
       };`,
      together,
    );
    await runner.init();
    runner.send({ type: 'run', id: 'a', value: { ms: 20, says: true }, env: {} });
    runner.send({ type: 'run', id: 'b', value: { ms: 0, says: false }, env: {} });
    expect(await runner.next()).toMatchObject({ id: 'b' });
    expect(await runner.next()).toMatchObject({ id: 'a' });
    expect(runner.quiet).toEqual([true, true, false]);
  });

  it('all fail when the process has to end', async () => {
    await using runner = text(
      'const main = ({ fail }) => new Promise(() => { if (fail) setTimeout(() => { throw new Error("late") }) })',
      { env: { __OW_ALLOW_CONCURRENT: 'true' } },
    );
    await runner.init();
    runner.send({ type: 'run', id: 'a', value: {}, env: {} });
    runner.send({ type: 'run', id: 'b', value: { fail: true }, env: {} });
    const error = 'An error has occurred: Error: late';
    expect(await runner.next()).toEqual({ type: 'result', id: 'a', ok: false, error });
    expect(await runner.next()).toEqual({ type: 'result', id: 'b', ok: false, error });
    expect(await runner.exited).toBe(1);
  });
});

describe('activations sent early', () => {
  const source = `let runs = 0;
    const main = async ({ ms }) => {
      runs++;
      if (ms) await new Promise((resolve) => setTimeout(resolve, ms));
      return { runs };
    }`;
  const send = (runner: TestRunner, id: string, after: number, ms = 0) =>
    runner.send({ type: 'run', id, after, value: { ms }, env: {} });

  it('are run one after the other', async () => {
    await using runner = text(source);
    await runner.init();
    // At once, so that all are there when the first has run.
    const frames = ['a', 'b', 'c'].map((id) => encode({ type: 'run', id, after: 0, value: {}, env: {} }));
    runner.write(Buffer.concat(frames));
    for (const [runs, id] of ['a', 'b', 'c'].entries()) {
      expect(await runner.next()).toEqual({ type: 'result', id, ok: true, value: { runs: runs + 1 } });
    }
    expect(runner.late).toEqual([false, false, false]);
    expect(runner.announced).toEqual(['b', 'c', undefined]);
  });

  it('are announced before they begin, with the answer before or in a frame of their own', async () => {
    await using runner = text(source);
    await runner.init();
    send(runner, 'a', 0);
    expect(await runner.next()).toMatchObject({ type: 'result', id: 'a' });
    runner.send({ type: 'run', id: 'b', after: 0, early: true, value: {}, env: {} });
    expect(await runner.next()).toEqual({ type: 'begun', id: 'b' });
    expect(await runner.next()).toEqual({ type: 'result', id: 'b', ok: true, value: { runs: 2 } });
  });

  it('are void once one has been slow, unless they were sent after its answer', async () => {
    await using runner = text(source);
    await runner.init();
    send(runner, 'slow', 0, 40);
    send(runner, 'void', 0);
    expect(await runner.next()).toMatchObject({ id: 'slow' });
    expect(runner.late).toEqual([true]);
    send(runner, 'also void', 0);
    send(runner, 'good', 1);
    expect(await runner.next()).toEqual({ type: 'result', id: 'good', ok: true, value: { runs: 2 } });
  });

  it('are void once a run has waited for a processor, and so come late', async () => {
    await using runner = text(source);
    await runner.init();
    await expectLateWhereItWaited(runner);
  });

  it('are void after a developer error', async () => {
    await using runner = text(
      'let runs = 0; const main = () => { runs++; return runs === 1 ? 7 : { runs } }',
    );
    await runner.init();
    send(runner, 'refused', 0);
    send(runner, 'void', 0);
    expect(await runner.next()).toMatchObject({ id: 'refused', ok: false });
    expect(runner.late).toEqual([true]);
    expect(await runner.close()).toMatchObject({ exit: 0 });
    expect(await runner.next()).toBeUndefined();
  });
});

describe('an uncaught error', () => {
  const never = 'return new Promise(() => {})';
  const cases: [title: string, body: string, error: string][] = [
    ['an exception in a callback', `setTimeout(() => { throw new Error("late") }); ${never}`, 'Error: late'],
    ['an unhandled rejection', `Promise.reject(new Error("late")); ${never}`, 'Error: late'],
    ['a rejection with a string', `Promise.reject("late"); ${never}`, 'UnhandledPromiseRejection: '],
  ];
  it.each(cases)('%s fails the activation and ends the process', async (_title, body, error) => {
    await using runner = text(`function main() { ${body} }`);
    await runner.init();
    expect(await runner.run()).toEqual(
      refused(expect.stringContaining(`An error has occurred: ${error.trim()}`)),
    );
    expect(await runner.exited).toBe(1);
    const [, log] = logsOf(await runner.stderr);
    expect(log).toContain('late');
  });

  it('is left to user code that has a handler for it', async () => {
    await using runner = text(`function main() {
      return new Promise((resolve) => {
        process.once('uncaughtException', ({ message }) => resolve({ message }));
        setTimeout(() => { throw new Error('late') });
      })
    }`);
    await runner.init();
    expect(await runner.run()).toEqual(ok({ message: 'late' }));
  });

  it('ends the process also between activations', async () => {
    await using runner = text(
      'function main() { setTimeout(() => { throw new Error("late") }, 5); return {} }',
    );
    await runner.init();
    expect(await runner.run()).toEqual(ok({}));
    expect(await runner.exited).toBe(1);
  });
});
