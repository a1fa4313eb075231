/** Actions whose image is not Ward's: OpenWhisk's HTTP contract on a port of the sandbox's own loopback. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { readLive } from '../src/dispatch/dispatch.suite.ts';
import { linesOf } from '../src/dispatch/index.ts';
import type { InvokerOptions } from '../src/invoker/index.ts';
import type { JsonObject } from '../src/lib/index.ts';
import { type BlackboxImages, makeBlackboxImages } from './blackbox/image.ts';
import { type EndedJob, InvokerBench, type TargetChanges, textsOf } from './invoker.ts';
import { peakMemoryMiB } from './peak-memory.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();
const lost = 'The action did not produce a valid response and exited unexpectedly.';

describe.skipIf(missing !== undefined)(`an image of one's own${missing ? ` (${missing})` : ''}`, () => {
  let images: BlackboxImages;
  let bench: InvokerBench;
  beforeAll(async () => {
    images = await makeBlackboxImages({
      'app:1': {},
      'demo/app:1': {},
      'demo/app:latest': {},
      'demo/late:1': { Cmd: ['late'] },
      'demo/deaf:1': { Cmd: ['deaf'] },
      'demo/exit:1': { Cmd: ['exit'] },
      'demo/lost:1': { Entrypoint: ['/nowhere'] },
      'demo/nothing:1': { Entrypoint: [] },
      'demo/relative:1': { WorkingDir: 'app', Entrypoint: ['node', '/app/server.cjs'], User: 'nobody' },
    });
    bench = await InvokerBench.open({}, images.dir);
  });
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await images?.[Symbol.asyncDispose]();
  });

  const target = (code = '', changes: TargetChanges = {}) =>
    bench.target(code, { kind: 'blackbox', image: 'demo/app:1', ...changes });
  const run = async (value: JsonObject, code = '', changes: TargetChanges = {}): Promise<EndedJob> =>
    bench.run(await target(code, changes), value);

  describe('in order', () => {
    it('is initialised and run as in OpenWhisk', async () => {
      const app = await target('the code', { initEnv: { SECRET: 'x' }, main: 'entry' });
      const job = { ...bench.job(app, { a: 1 }), apiKey: 'u:k' };
      const { result, status, start, initMs } = await bench.runJob(job);
      expect({ status, start, initMs }).toEqual({
        status: 'success',
        start: 'cold',
        initMs: expect.any(Number),
      });
      expect(result).toMatchObject({
        runs: 1,
        init: {
          name: app.action.slice('/guest/'.length),
          main: 'entry',
          binary: false,
          code: 'the code',
          env: { SECRET: 'x', __OW_ACTION_NAME: app.action, __OW_NAMESPACE: 'guest', __OW_API_KEY: 'u:k' },
        },
        body: {
          value: { a: 1 },
          namespace: 'guest',
          action_name: app.action,
          action_version: '0.0.1',
          activation_id: job.activationId,
          transaction_id: 'tid',
          deadline: expect.stringMatching(/^\d{13}$/),
          api_key: 'u:k',
        },
      });
      const again = await bench.run(app, {});
      expect(again).toMatchObject({ start: 'warm', result: { runs: 2, body: { value: {} } } });
      expect(again.result).not.toMatchObject({ body: { api_key: expect.anything() } });
    });

    it('reaches the API through its own loopback if it gets a key, and is frozen with it', async () => {
      const asked: string[] = [];
      const onApiConnection: InvokerOptions['onApiConnection'] = ({ socket, namespace }) => {
        asked.push(namespace);
        socket.once('data', (head) => {
          const body = JSON.stringify({ asked: String(head).split('\r\n')[0] });
          socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        });
        socket.resume();
      };
      await using own = await InvokerBench.open({ onApiConnection, freezeAfterMs: 0 }, images.dir);
      const app = await own.target('', { kind: 'blackbox', image: 'demo/app:1', providesApiKey: true });
      for (let n = 1; n < 3; n++) {
        const { result } = await own.run(app, { do: 'ask', path: '/api' });
        expect(result).toEqual({ asked: 'GET /api HTTP/1.1' });
        expect(asked).toEqual(Array.from({ length: n }, () => 'guest'));
        await own.until(() => own.frozen === 1);
      }
    });

    it('gets no code if the action has none, and an archive as base64', async () => {
      expect((await run({})).result).not.toMatchObject({ init: { code: expect.anything() } });
      const zip = Buffer.from([0x50, 0x4b, 0, 255]);
      const archive = await bench.target(zip, { kind: 'blackbox', image: 'demo/app:1', binary: true });
      expect((await bench.run(archive)).result).toMatchObject({
        init: { binary: true, code: zip.toString('base64') },
      });
    });

    it("runs the image's program in its folder, with its environment, as an unprivileged user", async () => {
      const app = await target();
      expect((await bench.run(app)).result).toMatchObject({
        argv: [],
        cwd: '/app',
        env: { COLOUR: 'green', PATH: '/usr/bin', HOME: '/tmp', __OW_API_HOST: 'http://127.0.0.1:1' },
      });
      expect((await bench.run(app, { do: 'who' })).result).toEqual({ uid: 1000, gid: 1000, pid: 1 });
      const relative = await run({}, '', { image: 'demo/relative:1' });
      expect(relative.result).toMatchObject({ cwd: '/' });
    });

    it('can write only to /tmp', async () => {
      const app = await target();
      for (const path of ['/app/x', '/x', '/dev/x']) {
        const { result } = await bench.run(app, { do: 'write', path });
        expect(result).toEqual({ code: expect.stringMatching(/^(?:EROFS|EACCES)$/) });
      }
      expect((await bench.run(app, { do: 'write', path: '/tmp/x' })).result).toEqual({ written: true });
    });

    it('is found by its name alone if it has the tag latest', async () => {
      expect((await run({ do: 'count' }, '', { image: 'demo/app' })).result).toMatchObject({ runs: 1 });
    });

    it('can open its port late', async () => {
      expect((await run({ do: 'count' }, '', { image: 'demo/late:1' })).result).toMatchObject({ runs: 1 });
    });

    it('can answer with a list, with an error, and without keeping the connection', async () => {
      const app = await target();
      expect(await bench.run(app, { do: 'list' })).toMatchObject({ status: 'success', result: [1, 'two'] });
      expect(await bench.run(app, { do: 'error' })).toMatchObject({
        status: 'application error',
        result: { error: 'on purpose' },
      });
      for (let n = 0; n < 3; n++) expect((await bench.run(app, { do: 'close' })).status).toBe('success');
      expect(await bench.run(app, { do: 'count' })).toMatchObject({ start: 'warm', result: { runs: 6 } });
    });

    it('runs as many at once as the action allows', async () => {
      const app = await target('', { limits: { concurrency: 3 } });
      await bench.run(app, { do: 'count' });
      const begun = bench.sandboxes;
      const all = await Promise.all([1, 2, 3].map(() => bench.run(app, { do: 'sleep', ms: 300 })));
      expect(all.map(({ status, start }) => [status, start])).toEqual(Array(3).fill(['success', 'warm']));
      expect(bench.sandboxes).toBe(begun);
    });

    it('is called on one connection until it was frozen', async () => {
      await using frozen = await InvokerBench.open({ freezeAfterMs: 1 }, images.dir);
      const app = await target();
      await bench.run(app, { do: 'count' });
      expect((await bench.run(app, { do: 'count' })).result).toEqual({ runs: 2, connections: 1 });

      const idle = await frozen.target('', { kind: 'blackbox', image: 'demo/app:1' });
      for (let n = 1; n <= 3; n++) {
        // A server may close a connection that was idle for long at the moment when the sandbox is thawed.
        expect((await frozen.run(idle, { do: 'count' })).result).toEqual({ runs: n, connections: n });
        await frozen.until(() => frozen.frozen === 1);
      }
    });
  });

  describe('that fails', () => {
    /** Time limit in ms: the one that the expected error names, else more than a busy machine needs. */
    const limitOf = (error: unknown) => Number(/ (\d+) milliseconds/.exec(String(error))?.[1] ?? 60_000);

    it.each([
      ['demo/nowhere:1', 'IMAGE_UNKNOWN', "Failed to pull container image 'demo/nowhere:1'."],
      ['oci:/etc', 'IMAGE_UNKNOWN', "Failed to pull container image 'oci:/etc'."],
      ['rootfs:/', 'IMAGE_UNKNOWN', "Failed to pull container image 'rootfs:/'."],
      ['../x', 'IMAGE_UNKNOWN', "Failed to pull container image '../x'."],
      ['demo/nothing:1', 'IMAGE_UNUSABLE', 'no program'],
    ])('image %s is refused with %s', async (image, code, text) => {
      await expect(run({}, '', { image })).rejects.toMatchObject({
        code,
        kind: 'invalid',
        message: expect.stringContaining(text),
      });
    });

    it('refuses every call that waits for a missing image', async () => {
      const app = await target('', { image: 'demo/nowhere:2' });
      const calls = await Promise.allSettled([1, 2, 3].map(() => bench.run(app)));
      expect(calls.map((call) => call.status === 'rejected' && call.reason.code)).toEqual(
        Array(3).fill('IMAGE_UNKNOWN'),
      );
    });

    it.each([
      ['demo/lost:1', 'The action did not initialize and exited unexpectedly.', false],
      ['demo/exit:1', 'The action did not initialize and exited unexpectedly.', false],
      [
        'demo/deaf:1',
        'The action exceeded its time limits of 2000 milliseconds during initialization.',
        true,
      ],
    ])('image %s before it listens', async (image, error, timedOut) => {
      const done = await run({}, '', { image, limits: { timeoutMs: limitOf(error) } });
      expect(done).toMatchObject({ status: 'action developer error', result: { error }, timedOut });
      if (image !== 'demo/lost:1') expect(textsOf(await done.logs)[0]).toMatch(/^stdout: starting/);
    });

    it.each([
      ['refuse', 'Initialization has failed due to: no'],
      ['refuse oddly', 'The action failed during initialization: no idea'],
      ['exit', 'The action did not initialize and exited unexpectedly.'],
      ['hang', 'The action exceeded its time limits of 2000 milliseconds during initialization.'],
    ])('%s at its initialisation', async (code, error) => {
      const app = await target(code, { limits: { timeoutMs: limitOf(error) } });
      expect(await bench.run(app)).toMatchObject({ status: 'action developer error', result: { error } });
    });

    it.each([
      [{ do: 'exit' }, lost],
      [{ do: 'hang' }, 'The action exceeded its time limits of 2000 milliseconds.'],
      [{ do: 'drip' }, 'The action exceeded its time limits of 2000 milliseconds.'],
      [{ do: 'eat' }, 'The action exhausted its memory and was aborted.'],
      [{ do: 'answer', status: 502, body: '{"error":{"code":7}}' }, { code: 7 }],
      [
        { do: 'answer', status: 500, body: 'oops' },
        'The action did not produce a valid JSON or JSON Array response: oops',
      ],
      [
        { do: 'answer', status: 200, body: '"text"' },
        'The action did not produce a valid JSON or JSON Array response: "text"',
      ],
      [
        { do: 'answer', status: 200, body: '' },
        'The action did not produce a valid JSON or JSON Array response.',
      ],
      [{ do: 'answer', status: 200, body: '['.repeat(100_000) }, expect.stringContaining('valid JSON')],
    ])('at a run: %j', async (value, error) => {
      const done = await run(value, '', { limits: { timeoutMs: limitOf(error) } });
      expect(done).toMatchObject({ status: 'action developer error', result: { error } });
    });

    it('is run once elsewhere when it says that it is busy, and then its answer counts', async () => {
      const app = await target();
      const { result, status } = await bench.run(app, {
        do: 'answer',
        status: 503,
        body: '{"error":"later"}',
      });
      expect({ result, status }).toEqual({ result: { error: 'later' }, status: 'action developer error' });
    });

    it('is not used again after its own error', async () => {
      const app = await target();
      await bench.run(app, { do: 'answer', status: 500, body: '' });
      expect(await bench.run(app, { do: 'count' })).toMatchObject({
        start: 'cold',
        startReason: 'its last sandbox failed',
        result: { runs: 1 },
      });
    });
  });

  describe('that is hostile', () => {
    it.each([
      ['no HTTP', 'hello\r\n\r\n'],
      ['a huge head', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n{}`],
      ['a body that ends early', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}'],
    ])('answers with %s', async (_what, text) => {
      const done = await run({ do: 'raw', text });
      expect(done).toMatchObject({ status: 'action developer error', result: { error: lost } });
    });

    it('answers with too much, and is not read to the end', async () => {
      const app = await target();
      expect(await bench.run(app, { do: 'pour', mebibytes: 2 })).toMatchObject({
        status: 'action developer error',
      });
      const { result, status } = await bench.run(app, { do: 'pour', mebibytes: 64 });
      expect(status).toBe('application error');
      expect(JSON.stringify(result)).toMatch(/exceeded the allowed length: \d+ > 1048576 bytes/);
      expect(JSON.stringify(result).length).toBeLessThan(10_000);
    });

    it('answers twice, and the second answer goes to no one', async () => {
      const app = await target();
      const one = 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a":1}';
      expect(await bench.run(app, { do: 'raw', text: one.repeat(2), end: false })).toMatchObject({
        result: { a: 1 },
      });
      expect((await bench.run(app, { do: 'count' })).result).toMatchObject({ runs: 2 });
    });
  });

  describe('logs', () => {
    it('are cut at the sentinels, which are not shown; output from its start is in the first', async () => {
      const app = await target();
      const first = await bench.run(app, { do: 'say', lines: ['a', 'b'] });
      expect(textsOf(await first.logs)).toEqual([
        'stdout: starting ',
        'stdout: a',
        'stdout: b',
        'stderr: on stderr',
      ]);
      const second = await bench.run(app, { do: 'say', lines: ['c'] });
      expect(textsOf(await second.logs)).toEqual(['stdout: c', 'stderr: on stderr']);
    });

    it('of a program without sentinels are assigned to each call, without a warning', async () => {
      const app = await target();
      await bench.run(app, { do: 'count' }).then(({ logs }) => logs);
      for (const line of ['one', 'two']) {
        const { logs } = await bench.run(app, { do: 'say', lines: [line], marks: false });
        expect(textsOf(await logs)).toEqual([`stdout: ${line}`, 'stderr: on stderr']);
      }
    });

    it('are kept when it exceeds its time', async () => {
      const done = await run({ do: 'hang', say: 'so far' }, '', { limits: { timeoutMs: 2000 } });
      expect(done.timedOut).toBe(true);
      expect(textsOf(await done.logs)).toEqual([
        'stdout: starting ',
        'stdout: so far',
        'stderr: The action did not initialize or run as expected. Log data might be missing.',
      ]);
    });

    it('can be followed', async () => {
      const app = await target('', { limits: { timeoutMs: 3000 } });
      await bench.run(app, { do: 'count' }).then(({ logs }) => logs);
      const job = bench.job(app, { do: 'hang', say: 'live' });
      const running = bench.runJob(job);
      const { lines: seen, ended } = readLive(bench.invoker.follow(job.activationId));
      await bench.until(() => seen.length > 0);
      const { logs } = await running;
      await ended;
      expect(linesOf(await logs)).toEqual(seen);
      expect(textsOf(seen)[0]).toBe('stdout: live');
    });
  });

  it('leaves nothing behind', async () => {
    const own = await InvokerBench.open({}, images.dir);
    const app = await own.target('', { kind: 'blackbox', image: 'demo/app:1' });
    await own.run(app);
    await own[Symbol.asyncDispose]();
    expect(own.sandboxes).toBe(0);
  });

  it('is an action like any other', async () => {
    vi.stubEnv('WARD_IMAGES', images.dir);
    await using ward = await Ward.start().finally(() => vi.unstubAllEnvs());
    const exec = { kind: 'blackbox', image: 'app:1' };
    expect((await ward.deploy('app', '', { exec })).status).toBe(200);
    const { status, body } = await ward.invoke('app', { do: 'say', lines: ['hello'] });
    expect({ status, response: body.response.result }).toEqual({ status: 200, response: {} });
    const { logs, annotations } = await ward.activation(body.activationId);
    expect(textsOf(logs)).toEqual(['stdout: starting ', 'stdout: hello', 'stderr: on stderr']);
    expect(annotations).toContainEqual({ key: 'kind', value: 'blackbox' });
    expect((await ward.invoke('app', { do: 'count' })).body.response.result).toMatchObject({ runs: 2 });
    expect((await ward.invoke('app', { do: 'exit' })).body.response).toMatchObject({
      status: 'action developer error',
      result: { error: lost },
    });
    for (const image of ['nowhere:1', 'guest/nowhere:1', 'openwhisk/example']) {
      const put = await ward.deploy('gone', '', { exec: { ...exec, image } });
      expect([put.status, put.headers.get('x-ward-warning')], image).toEqual([200, expect.any(String)]);
      const result = { error: `Failed to pull container image '${image}'.` };
      expect(await ward.invoke('gone'), image).toMatchObject({
        status: 502,
        body: { response: { status: 'action developer error', result } },
      });
    }
  });

  it('takes little of Ward’s memory, whatever the number of pieces in its answers', async () => {
    vi.stubEnv('WARD_IMAGES', images.dir);
    await using ward = await Ward.start().finally(() => vi.unstubAllEnvs());
    const exec = { kind: 'blackbox', image: 'app:1' };
    await ward.deploy('app', '', { exec });
    await ward.invoke('app', { do: 'count' });
    const before = await peakMemoryMiB(ward.pid);
    const crumbled = await Promise.all(
      Array.from({ length: 2 }, () => ward.invoke('app', { do: 'crumble', mebibytes: 4 })),
    );
    const interim = await ward.invoke('app', { do: 'crumble', mebibytes: 0, interim: 100_000 });
    for (const { body } of [...crumbled, interim])
      expect(body.response).toMatchObject({ status: 'action developer error', result: { error: lost } });
    const whole = await ward.invoke('app', { do: 'crumble', mebibytes: 0.125 });
    expect(whole.body.response.result.error).toContain('xxxx');
    // As objects, the pieces of each answer would take more than a gibibyte.
    expect((await peakMemoryMiB(ward.pid)) - before).toBeLessThan(150);
  });
});
