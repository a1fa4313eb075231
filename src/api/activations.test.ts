import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LiveLog } from '../dispatch/index.ts';
import { isJsonObject } from '../lib/index.ts';
import { basic, completion, hello, startApi, type TestApi } from './api.fixture.ts';

/** For tests that change nothing. */
let shared: TestApi;
beforeAll(async () => {
  shared = await withActivations();
});
afterAll(() => shared[Symbol.asyncDispose]());

/** Three activations of `a`, the second of which fails. */
async function withActivations(): Promise<TestApi> {
  const api = await startApi();
  let runs = 0;
  api.script = () => {
    const start = 1000 + 10 * runs++;
    return completion(start === 1010 ? { error: 'x' } : { start }, {
      status: start === 1010 ? 'application error' : 'success',
      startedAt: start,
      endedAt: start + 5,
      log: Promise.resolve([`2026-01-01T10:00:00.123456789Z stdout: ${start}`]),
    });
  };
  await api.call('PUT', 'actions/a', { body: hello });
  for (let i = 0; i < 3; i++) await api.call('POST', 'actions/a?blocking=true');
  return api;
}

const starts = (body: unknown) => (Array.isArray(body) ? body.map(({ start }) => start) : body);

describe('the list', () => {
  test('has summaries', async () => {
    await using api = await withActivations();
    const { body } = await api.call('GET', 'activations?limit=2&skip=1');
    expect(body).toEqual([
      {
        activationId: expect.stringMatching(/^[0-9a-f]{32}$/),
        namespace: 'guest',
        name: 'a',
        version: '0.0.1',
        publish: false,
        annotations: expect.arrayContaining([{ key: 'kind', value: 'nodejs:24' }]),
        start: 1010,
        end: 1015,
        duration: 5,
        statusCode: 1,
      },
      expect.objectContaining({ start: 1000, statusCode: 0 }),
    ]);
  });

  test('has records with docs', async () => {
    await using api = await withActivations();
    expect((await api.call('GET', 'activations?docs=true&limit=1')).body).toMatchObject([
      { start: 1020, response: { result: { start: 1020 } }, logs: [expect.stringContaining('stdout: 1020')] },
    ]);
  });

  test('of records is sent in pieces, because it may exceed the longest string', async () => {
    const headers = { authorization: basic(shared.key) };
    const url = '/api/v1/namespaces/_/activations?docs=true';
    const answer = await shared.app.inject({ method: 'GET', url, headers });
    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.json()).toHaveLength(3);
  });

  test('of no records is empty', async () => {
    expect((await shared.call('GET', 'activations?docs=true&name=b')).body).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['', [1020, 1010, 1000]],
    ['?name=a', [1020, 1010, 1000]],
    ['?name=', [1020, 1010, 1000]],
    ['?name=b', []],
    ['?name=p/a', []],
    ['?since=1010', [1020, 1010]],
    ['?upto=1010', [1010, 1000]],
    ['?failed=true', [1010]],
    ['?failed=false', [1020, 1010, 1000]],
    ['?since=1005&upto=1015', [1010]],
    ['?count=true', { activations: 3 }],
    ['?count=true&skip=1&since=1010', { activations: 1 }],
    ['/?limit=1', [1020]],
  ])('%s has %j', async (query, expected) => {
    expect(starts((await shared.call('GET', `activations${query}`)).body)).toEqual(expected);
  });

  test.each([
    ['docs=true&count=true', "The parameter 'docs' is not permitted with 'count'."],
    ['name=a/b/c', "Parameter may be a 'simple' name or 'package-name/simple' name: a/b/c"],
    ['name=$', "Parameter may be a 'simple' name or 'package-name/simple' name: $"],
    ['since=x', 'Parameter is not a valid value for epoch seconds: x'],
    ['upto=1.5', 'Parameter is not a valid value for epoch seconds: 1.5'],
    ['limit=201', "The value '201' is not in the range of 0 to 200 for activations."],
  ])('with %s is refused', async (query, error) => {
    const answer = await shared.call('GET', `activations?${query}`);
    expect([answer.status, answer.body]).toEqual([400, { error, code: answer.headers['x-request-id'] }]);
  });
});

describe('one', () => {
  test('has a record, a result and logs', async () => {
    await using api = await withActivations();
    const { body } = await api.call('GET', 'activations?limit=1');
    const id = Array.isArray(body) ? body[0].activationId : '';
    const response = { status: 'success', success: true, result: { start: 1020 }, size: 14 };
    const logs = ['2026-01-01T10:00:00.123456789Z stdout: 1020'];
    const record = (await api.call('GET', `activations/${id}`)).body;
    expect(record).toMatchObject({ activationId: id, subject: 'guest', response, logs });
    expect((await api.call('GET', `activations/${id}/`)).body).toEqual(record);
    expect((await api.call('GET', `activations/${id}/result`)).body).toEqual(response);
    expect((await api.call('GET', `activations/${id}/logs`)).body).toEqual({ logs });
  });

  test('has its input if Ward kept it; without one, quiet=true answers without an error', async () => {
    await using api = await withActivations();
    const annotations = [{ key: 'capture-input', value: true }];
    await api.call('PUT', 'actions/kept', { body: { ...hello, annotations } });
    const inputOf = async (name: string, query = '') => {
      await api.call('POST', `actions/${name}?blocking=true`, { body: { a: 1, token: 't' } });
      const { body } = await api.call('GET', 'activations?limit=1');
      const id = Array.isArray(body) ? body[0].activationId : '';
      return api.call('GET', `/ward/v1/namespaces/_/activations/${id}/input${query}`);
    };
    const input = { a: 1, token: '[redacted]' };
    for (const query of ['', '?quiet=true'])
      expect(await inputOf('kept', query)).toMatchObject({ status: 200, body: input });
    for (const query of ['', '?quiet=false'])
      expect(await inputOf('a', query)).toMatchObject({ status: 404, body: { error: expect.any(String) } });
    expect(await inputOf('a', '?quiet=true')).toMatchObject({ status: 204 });
    expect((await inputOf('a', '?quiet=perhaps')).status).toBe(400);
  });

  test('that has not ended is not found; the error says what is known, and pending=true answers with that', async () => {
    await using api = await startApi();
    const gate = Promise.withResolvers<void>();
    api.script = async () => {
      await gate.promise;
      return completion({ x: 1 });
    };
    await api.call('PUT', 'actions/a', { body: hello });
    const { body } = await api.call('POST', 'actions/a');
    const id = isJsonObject(body) ? String(body['activationId']) : '';
    const response = { status: 'pending', success: false, result: {} };
    const pending = { activationId: id, namespace: 'guest', name: 'a', response, logs: [] };
    const error = 'The requested resource does not exist.';
    for (const part of ['', '/', '/result', '/logs']) {
      const answer = await api.call('GET', `activations/${id}${part}`);
      expect([answer.status, answer.headers['x-ward-fault']]).toEqual([404, 'ACTIVATION_PENDING']);
      expect(answer.body).toMatchObject({ error, code: answer.headers['x-request-id'], pending });
    }
    const known = async (part: string) =>
      (await api.call('GET', `activations/${id}${part}?pending=true`)).body;
    expect(await known('')).toMatchObject(pending);
    expect(await known('')).not.toHaveProperty('end');
    expect(await known('/result')).toEqual(response);
    expect(await known('/logs')).toEqual({ logs: [] });
    expect((await api.call('GET', `activations/${id}?pending=perhaps`)).status).toBe(400);
    expect((await api.call('GET', 'activations')).body).toEqual([]);
    gate.resolve();
    await expect
      .poll(async () => (await api.call('GET', `activations/${id}/result`)).body)
      .toMatchObject({
        success: true,
        result: { x: 1 },
      });
    expect(await known('/result')).toMatchObject({ success: true });
  });

  test.each([
    ['abc', 400, 'Activation id length is 3 but must be 32.'],
    ['z'.repeat(32), 400, 'The activation id is not valid.'],
    ['0'.repeat(32), 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/result`, 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/logs`, 404, 'The requested resource does not exist.'],
    [`${'0'.repeat(32)}/other`, 404, 'The requested resource does not exist.'],
  ])('%s: %i', async (path, status, error) => {
    const answer = await shared.call('GET', `activations/${path}`);
    expect([answer.status, answer.body]).toEqual([status, { error, code: answer.headers['x-request-id'] }]);
  });
});

test('a stream tells when records came, and ends with its client', async () => {
  await using api = await withActivations();
  const url = await api.app.listen({ port: 0 });
  const leaving = new AbortController();
  const answer = await fetch(`${url}/ward/v1/namespaces/_/activations/stream`, {
    headers: { authorization: basic(api.key), accept: 'text/event-stream' },
    signal: leaving.signal,
  });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  const until = async (wanted: string) => {
    while (!text.includes(wanted)) text += (await reader?.read())?.value ?? '';
  };
  await until('event: total\ndata: 3\n\n');
  await api.call('POST', 'actions/a?blocking=true');
  await until('event: total\ndata: 4\n\n');
  leaving.abort();
});

describe('the stream of a run', () => {
  const lineOf = (n: number) => `2026-01-01T10:00:00.123456789Z stdout: ${n}`;
  const allLines = Array.from({ length: 1500 }, (_, n) => lineOf(n));

  /** A run that lasts until the test ends it. `open` follows it over a connection. */
  async function startRun(api: TestApi, live: TestApi['live']) {
    const ended = Promise.withResolvers<ReturnType<typeof completion>>();
    api.script = () => ended.promise;
    api.live = live;
    await api.call('PUT', 'actions/a', { body: hello });
    const { activationId } = (await api.call('POST', 'actions/a')).body as { activationId: string };
    const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
    return {
      activationId,
      end: (lines: readonly string[]) =>
        ended.resolve(completion({ done: true }, { log: Promise.resolve(lines) })),
      open: (signal = new AbortController().signal) =>
        fetch(`${url}/api/v1/namespaces/_/activations/${activationId}/stream`, {
          headers: { authorization: basic(api.key) },
          signal,
        }),
    };
  }

  async function eventsOf(stream: Response): Promise<{ ids: number[]; lines: string[]; record: unknown }> {
    const events = (await stream.text()).trim().split('\n\n');
    const end = events.pop()?.replace('event: end\ndata: ', '') ?? '';
    return {
      ids: events.map((text) => Number(/^id: (\d+)$/m.exec(text)?.[1])),
      lines: events.map((text) => JSON.parse(text.replace(/^id: \d+\nevent: log\ndata: /, ''))),
      record: JSON.parse(end),
    };
  }

  test('of a run that ends before its log is found has all lines at the end', async () => {
    await using api = await startApi();
    const { activationId, open, end } = await startRun(api, () => undefined);
    // The head has arrived: the run is followed, and has no log yet.
    const stream = await open();
    end(allLines.slice(0, 2));
    const { lines, record } = await eventsOf(stream);
    expect(lines).toEqual(allLines.slice(0, 2));
    expect(record).toMatchObject({ activationId, response: { result: { done: true } } });
    expect(record).not.toHaveProperty('logs');
  });

  test('says how many earlier lines it misses, and has no line twice', async () => {
    await using api = await startApi();
    const log = new LiveLog(() => {});
    log.skip(500);
    for (const line of allLines.slice(500, 1400)) log.add(line);
    log.end();
    const { open, end } = await startRun(api, () => log);
    const stream = await open();
    end(allLines);
    const { ids, lines } = await eventsOf(stream);
    expect(ids).toEqual([500, ...Array.from({ length: 1000 }, (_, n) => 501 + n)]);
    expect(lines[0]).toMatch(/^\S+ stderr: Earlier lines, not shown here: 500\.$/);
    expect(lines.slice(1)).toEqual(allLines.slice(500));
  });

  test('stops following the log when its client has gone', async () => {
    await using api = await startApi();
    const left = Promise.withResolvers<void>();
    const { open, end } = await startRun(api, (_id, signal) => new LiveLog(left.resolve, signal));
    const client = new AbortController();
    await open(client.signal);
    client.abort();
    await left.promise;
    end([]);
  });

  test('reads the log only as fast as its client, and then sends what was kept', async () => {
    await using api = await startApi();
    const log = new LiveLog(() => {});
    const { open, end } = await startRun(api, () => log);
    const stream = await open();
    const lines = Array.from({ length: 500 }, (_, n) => lineOf(n) + 'x'.repeat(50_000));
    for (const [n, line] of lines.entries()) {
      log.add(line);
      if (n % 50 === 0) await new Promise(setImmediate);
    }
    log.end();
    end(lines);
    const got = (await eventsOf(stream)).lines;
    expect(got.at(-1)).toBe(lines.at(-1));
    const missed = got.filter((line) => line.includes('not shown here'));
    expect(missed.length).toBeGreaterThan(0);
    expect(got.length - missed.length + sumOf(missed)).toBe(lines.length);
  });

  const sumOf = (notes: readonly string[]) =>
    notes.reduce((sum, note) => sum + Number(/: (\d+)\.$/.exec(note)?.[1]), 0);
});
