/** Functions that misbehave: the caller gets a precise error, and another tenant's next call is not affected. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

const tooLongFrame = 'const b = Buffer.alloc(8); b.writeUInt32BE(0xffffffff); require("fs").writeSync(3, b);';

interface Case {
  readonly name: string;
  readonly code: string;
  readonly kind?: string;
  readonly status: number;
  readonly error: string | RegExp;
  readonly response: string;
  readonly limits?: object;
}

const cases: readonly Case[] = [
  {
    name: 'never returns',
    code: 'function main() { for (;;); }',
    limits: { timeout: 1000 },
    status: 502,
    response: 'action developer error',
    error: 'The action exceeded its time limits of 1000 milliseconds.',
  },
  {
    name: 'never settles its promise',
    code: 'function main() { return new Promise(() => setInterval(() => {}, 1000)); }',
    limits: { timeout: 1000 },
    status: 502,
    response: 'action developer error',
    error: 'The action exceeded its time limits of 1000 milliseconds.',
  },
  {
    name: 'never finishes its initialisation',
    code: 'for (;;); function main() {}',
    limits: { timeout: 300 },
    status: 502,
    response: 'action developer error',
    error: 'The action exceeded its time limits of 300 milliseconds during initialization.',
  },
  {
    name: 'exits',
    code: 'function main() { process.exit(0); }',
    status: 502,
    response: 'action developer error',
    error: 'The action did not produce a valid response and exited unexpectedly.',
  },
  {
    name: 'crashes',
    code: 'function main() { process.abort(); }',
    status: 502,
    response: 'action developer error',
    error: 'The action did not produce a valid response and exited unexpectedly.',
  },
  {
    name: 'allocates until it is killed',
    code: 'function main() { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); }',
    limits: { memory: 128 },
    status: 502,
    response: 'action developer error',
    error: 'The action exhausted its memory and was aborted.',
  },
  {
    name: 'fills /tmp',
    code: `const fs = require('fs');
      function main() { for (let i = 0; ; i++) fs.writeFileSync('/tmp/' + i, Buffer.alloc(1 << 20)); }`,
    status: 502,
    response: 'action developer error',
    error: /ENOSPC|EFBIG|exhausted its memory/,
  },
  {
    name: 'forks until it can’t',
    code: `const { spawn } = require('child_process');
      function main() {
        return new Promise((resolve) => {
          let started = 0;
          const next = () => {
            let child;
            try { child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' }); }
            catch (error) { return resolve({ error: error.code, started }); }
            child.on('error', (error) => resolve({ error: error.code, started }));
            child.on('spawn', () => { started++; next(); });
          };
          next();
        });
      }`,
    limits: { memory: 512, timeout: 20_000 },
    status: 502,
    response: 'application error',
    error: /EAGAIN|ENOMEM/,
  },
  {
    name: 'returns 10 MB',
    code: 'function main() { return { big: "x".repeat(10_000_000) }; }',
    status: 502,
    response: 'application error',
    error:
      /^The action produced a response that exceeded the allowed length: 10000010 > 1048576 bytes\. The truncated response was: {"big":"xxx/,
  },
  {
    name: 'returns what is not an object',
    code: 'function main() { return "text"; }',
    status: 502,
    response: 'action developer error',
    error: /did not return a dictionary/,
  },
  {
    name: 'writes garbage to fd 3',
    code: 'function main() { require("fs").writeSync(3, "GET / HTTP/1.1\\r\\n\\r\\n"); return new Promise(() => {}); }',
    status: 502,
    response: 'action developer error',
    error: 'The action wrote something to its channel that is not a response and was aborted.',
  },
  {
    name: 'announces an endless frame',
    code: `function main() { ${tooLongFrame} return new Promise(() => {}); }`,
    status: 502,
    response: 'action developer error',
    error: 'The action wrote something to its channel that is not a response and was aborted.',
  },
  {
    name: "forges another activation's result",
    code: `function main() {
        const json = JSON.stringify({ type: 'result', id: '0'.repeat(32), ok: true, value: {} });
        const b = Buffer.alloc(4); b.writeUInt32BE(json.length);
        require('fs').writeSync(3, Buffer.concat([b, Buffer.from(json)]));
        return new Promise(() => {});
      }`,
    status: 502,
    response: 'action developer error',
    error: 'The action wrote something to its channel that is not a response and was aborted.',
  },
  {
    name: 'closes fd 3',
    code: 'function main() { require("fs").closeSync(3); return {}; }',
    status: 502,
    response: 'action developer error',
    error: 'The action did not produce a valid response and exited unexpectedly.',
  },
  {
    name: 'makes a forbidden system call',
    kind: 'python:3.13',
    code: 'import ctypes\ndef main(args):\n    ctypes.CDLL(None).unshare(0x10000000)\n    return {}\n',
    status: 502,
    response: 'action developer error',
    error: 'The action made a system call that its sandbox forbids and was aborted.',
  },
];

describe.skipIf(missing !== undefined)(`a function that${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let other: string;

  beforeAll(async () => {
    ward = await Ward.start();
    await ward.setLimits('guest', ['--invocations-per-minute', '10000']);
    other = await ward.createNamespace('bystander', ['--invocations-per-minute', '10000']);
    await ward.deploy('hello', 'function main(p) { return { hello: p.name }; }', { auth: other });
  });
  afterAll(async () => {
    await ward[Symbol.asyncDispose]();
  });

  it.each(cases)('$name', async ({ name, code, kind, limits, status, error, response }) => {
    const action = name.replaceAll(/[^a-z0-9]/gi, '-');
    const put = await ward.deploy(action, code, {
      ...(kind === undefined ? {} : { kind }),
      ...(limits === undefined ? {} : { limits }),
    });
    expect(put.status).toBe(200);
    const [reply, bystander] = await Promise.all([
      ward.invoke(action),
      ward.invoke('hello', { name: 'during' }, other),
    ]);
    expect(bystander.body.response.result).toEqual({ hello: 'during' });
    expect({ status: reply.status, response: reply.body.response.status }).toEqual({ status, response });
    expect(reply.body.response.result.error).toEqual(
      typeof error === 'string' ? error : expect.stringMatching(error),
    );
    const after = await ward.invoke('hello', { name: 'after' }, other);
    expect(after.body.response.result).toEqual({ hello: 'after' });
  });

  it('prints 100 MB: its log is cut with a note, its result is not', async () => {
    await ward.deploy(
      'flood',
      'function main() { for (let i = 0; i < 1600; i++) process.stdout.write("x".repeat(65535) + "\\n"); return { done: true }; }',
      { limits: { logs: 1, timeout: 30_000 } },
    );
    const reply = await ward.invoke('flood');
    expect(reply.body.response.result).toEqual({ done: true });
    const { annotations, logs } = await ward.activation(reply.body.activationId);
    expect(annotations).toContainEqual({ key: 'partialLog', value: 'cut' });
    expect(logs).toHaveLength(16);
    expect(logs.at(-1)).toMatch(
      /Logs were truncated because the total bytes size exceeds the limit of 1048576 bytes\. Left out: lines 1585, bytes 103936375\.$/,
    );
  });

  it('prints a million empty lines: each counts against its log with its true size', async () => {
    await ward.deploy(
      'newlines',
      `const { writeSync } = require('fs');
       function main() { for (let i = 0; i < 16; i++) writeSync(1, '\\n'.repeat(65_536)); return { done: true }; }`,
      { limits: { logs: 1, timeout: 30_000 } },
    );
    const reply = await ward.invoke('newlines');
    expect(reply.body.response.result).toEqual({ done: true });
    const { logs } = await ward.activation(reply.body.activationId);
    expect(logs.join('\n').length).toBeLessThan(1024 * 1024 + 1000);
    expect(logs.at(-1)).toContain('Logs were truncated');
  });

  it('leaves work behind after its answer: the work is frozen', async () => {
    await ward.deploy(
      'busy',
      `let ticks = 0;
       function main() { setInterval(() => ticks++, 1); return { ticks }; }`,
    );
    expect((await ward.invoke('busy')).body.response.result).toEqual({ ticks: 0 });
    const since = Date.now();
    await ward.until(() => ward.sandboxStates().every((state) => state === 'FROZEN'));
    const running = Date.now() - since;
    await ward.until(() => Date.now() - since > running + 500);
    const { ticks } = (await ward.invoke('busy')).body.response.result;
    expect(ticks).toBeLessThan(running + 250);
  });

  // Uses a Ward of its own, since it could break the other tests.
  it('answers with endless nesting', async () => {
    await using own = await Ward.start();
    await own.deploy(
      'nests',
      `function main() {
        const { writeSync } = require('fs');
        const depth = 1_000_000;
        const value = '['.repeat(depth) + ']'.repeat(depth);
        const json = '{"type":"result","id":"' + process.env.__OW_ACTIVATION_ID + '","ok":true,"value":' + value + '}';
        const frame = Buffer.alloc(4 + json.length);
        frame.writeUInt32BE(json.length);
        frame.write(json, 4);
        for (let at = 0; at < frame.length; ) {
          try { at += writeSync(3, frame, at); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
        }
        return new Promise(() => {});
      }`,
      { limits: { timeout: 10_000 } },
    );
    const reply = await own.invoke('nests');
    expect(reply).toMatchObject({ status: 502, body: { response: { status: 'action developer error' } } });
    expect((await own.request('GET', '/ping')).body).toBe('pong');
  });
});
