import { describe, expect, it } from 'vitest';
import { encode, logsOf, ok, refused, nodeText as text } from './test-runner.ts';

describe('logs', () => {
  it('end with a sentinel on a line of its own, before the answer', async () => {
    await using runner = text(`
      console.log('loading');
      function main({ end }) {
        console.log('out'); console.error('err'); process.stdout.write('a'); process.stdout.write(Buffer.from('b' + end));
        process.stderr.write('c' + end);
      }`);
    await runner.init();
    await runner.run({ end: '' });
    await runner.run({ end: '\n' });
    await runner.run({ end: '\n\n' });
    const { stdout, stderr } = await runner.close();
    expect(logsOf(stdout)).toEqual(['loading\n', 'out\nab\n', 'out\nab\n', 'out\nab\n\n', '']);
    expect(logsOf(stderr)).toEqual(['', 'err\nc\n', 'err\nc\n', 'err\nc\n\n', '']);
  });

  it('are not overtaken by the sentinel when the pipe is full', async () => {
    await using runner = text('function main() { console.log("x".repeat(5_000_000)); console.log("last") }');
    await runner.init();
    await runner.run();
    const [, log] = logsOf((await runner.close()).stdout);
    expect(log?.length).toBe(5_000_001 + 5);
    expect(log?.slice(-10)).toBe('xxxx\nlast\n');
  });

  it('are whole when the process exits in the middle', async () => {
    await using runner = text('function main() { console.log("x".repeat(1_000_000)); process.exit(3) }');
    await runner.init();
    expect(await runner.run()).toBeUndefined();
    expect(await runner.exited).toBe(3);
    expect(logsOf(await runner.stdout)[1]).toHaveLength(1_000_001);
  });

  it('survive streams that are ended, destroyed or replaced', async () => {
    await using runner = text(`function main({ step }) {
      if (step === 0) process.stdout.end('end'); else process.stdout.destroy();
      process.stderr.write = () => { throw new Error('mine') };
      console.log = console.error = null;
    }`);
    await runner.init();
    expect(await runner.run({ step: 0 })).toEqual(ok({}));
    expect(await runner.run({ step: 1 })).toEqual(ok({}));
    expect(logsOf((await runner.close()).stdout)).toEqual(['', 'end\n', '', '']);
  });

  it('can be closed', async () => {
    await using runner = text(
      'const fs = require("fs"); function main() { fs.closeSync(1); fs.closeSync(2); return { a: 1 } }',
    );
    await runner.init();
    expect(await runner.run()).toEqual(ok({ a: 1 }));
  });
});

describe('the channel', () => {
  it('is read in pieces of any size', async () => {
    await using runner = text('const main = (p) => p');
    await runner.init();
    const frames = Buffer.concat(
      ['a', 'b', 'c'].map((id) => encode({ type: 'run', id, value: { id }, env: {} })),
    );
    for (const byte of frames) {
      runner.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    runner.write(frames);
    for (const id of ['a', 'b', 'c', 'a', 'b', 'c']) {
      expect(await runner.next()).toEqual({ type: 'result', id, ok: true, value: { id } });
    }
  });

  it('ends the process when it closes, whatever user code still waits for', async () => {
    await using runner = text('setInterval(() => {}, 1000); const main = () => new Promise(() => {})');
    await runner.init();
    runner.send({ type: 'run', id: 'a1', value: {}, env: {} });
    expect((await runner.close()).exit).toBe(0);
  });

  it('is not inherited by the programs that user code starts', async () => {
    await using runner =
      text(`const { readlinkSync } = require('fs'), { spawnSync } = require('child_process');
      const main = () => {
        const channel = readlinkSync('/proc/self/fd/3');
        const inherited = spawnSync('ls', ['-l', '/proc/self/fd']).stdout.toString();
        return { isSocket: channel.startsWith('socket:'), isListed: inherited.includes('->'), isInherited: inherited.includes(channel) };
      }`);
    await runner.init();
    expect(await runner.run()).toEqual(ok({ isSocket: true, isListed: true, isInherited: false }));
  });
});

describe('user code that breaks the language', () => {
  const fail = '() => { throw new Error("broken") }';
  const cases = [
    `JSON.parse = JSON.stringify = ${fail}`,
    'JSON = Reflect = Math = String = Atomics = undefined',
    `for (const name of ['from', 'alloc', 'allocUnsafe', 'allocUnsafeSlow', 'byteLength', 'concat']) Buffer[name] = ${fail}`,
    `for (const name of ['utf8Slice', 'utf8Write', 'write', 'toString', 'subarray', 'slice', 'copy']) Buffer.prototype[name] = ${fail}`,
    'delete globalThis.Buffer; delete globalThis.JSON',
    `const fs = require('fs'); for (const name of Object.keys(fs)) if (name.endsWith('Sync')) fs[name] = ${fail}; require('module').syncBuiltinESMExports()`,
    `process.stdout.write = process.stderr.write = ${fail}`,
    'console = undefined',
    'globalThis.process = undefined',
    `Array.prototype[Symbol.iterator] = ${fail}`,
    `for (const name of ['push', 'map', 'includes', 'shift', 'forEach', 'indexOf', 'slice']) Array.prototype[name] = ${fail}`,
    `for (const name of ['add', 'has', 'delete']) { Set.prototype[name] = ${fail}; if (name !== 'has') Map.prototype[name] = ${fail} }`,
    `Object.keys = Object.entries = Object.assign = Object.defineProperty = ${fail}`,
    `Promise.prototype.then = Promise.resolve = Promise.prototype.catch = ${fail}`,
    'Promise = undefined',
    `Reflect.apply = Function.prototype.call = Function.prototype.apply = Function.prototype.bind = ${fail}`,
    `for (const name of ['split', 'replace', 'endsWith', 'charCodeAt', 'slice']) String.prototype[name] = ${fail}`,
    `Object.prototype.type = 'init'; Object.prototype.id = 'b'; Object.prototype.value = {}; Object.prototype.get = undefined`,
    `Object.prototype.offset = Object.prototype.length = Object.prototype.encoding = 'x'`,
    `for (const name of ['type', 'id', 'ok', 'value', 'error', 'env']) Object.defineProperty(Object.prototype, name, { __proto__: null, set: ${fail} })`,
    `const { EventEmitter } = require('events'); for (const name of ['emit', 'on', 'once']) EventEmitter.prototype[name] = ${fail}`,
    `const { Readable, Writable } = require('stream'); Readable.prototype.push = Readable.prototype.read = Writable.prototype.write = ${fail}`,
    `const { Socket } = require('net'); Socket.prototype.write = Socket.prototype._write = ${fail}`,
    `Error.prepareStackTrace = ${fail}`,
    `require('util').inspect = ${fail}`,
    `Math.min = ${fail}; Atomics.wait = ${fail}`,
    `process.exit = ${fail}; process.listenerCount = ${fail}`,
    'process.env = {}',
    'globalThis.setTimeout = globalThis.queueMicrotask = globalThis.setImmediate = undefined; process.nextTick = undefined',
  ];
  it.each(cases)('%s', async (code) => {
    await using runner = text(`${code};
      function main({ mode }) { if (mode === 'throw') throw new Error('mine'); return mode === 'text' ? 'text' : { a: 1 } }`);
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    for (let round = 0; round < 2; round++) {
      expect(await runner.run({}, { __OW_A: '1' })).toEqual(ok({ a: 1 }));
      expect(await runner.run({ mode: 'throw' })).toEqual(refused('An error has occurred: Error: mine'));
      expect(await runner.run({ mode: 'text' })).toEqual(refused('The action did not return a dictionary.'));
    }
    const { stdout, stderr } = await runner.close();
    expect(logsOf(stdout)).toHaveLength(8);
    expect(logsOf(stderr)).toHaveLength(8);
  });
});
