import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { component, idsOf, ndjson, osv, upTo, type Workplace, workplace } from '../advisories.fixture.ts';
import type { Form } from '../forms/form.ts';
import { openAdvisories } from '../open.ts';
import { advisoryStatus } from '../status.ts';
import type { AdvisoryProgress } from '../types.ts';
import type { AdvisorySource } from './sources.ts';
import { updateAdvisories } from './update.ts';

type Request = Parameters<RequestListener>[0];
type Response = Parameters<RequestListener>[1];

let place: Workplace;
let server: Server;
let base: string;
/** By path; what is not here is not found. */
let answers: Map<string, (request: Request, response: Response) => void>;
let asked: { readonly path: string; readonly headers: IncomingHttpHeaders }[];

beforeEach(async () => {
  place = await workplace();
  answers = new Map();
  asked = [];
  server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers });
    const answer = answers.get(path);
    if (answer) answer(request, response);
    else response.writeHead(404).end('no');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await place[Symbol.asyncDispose]();
});

const source = (name: string, form: Form = 'osv', maxBytes = 1_000_000): AdvisorySource => ({
  name,
  form,
  url: `${base}/${name}`,
  licence: 'CC0-1.0',
  maxBytes,
});

const records = (...ids: string[]) => ndjson(ids.map((id) => osv({ id, events: upTo('2.0.0') })));

/** Content with a tag, as a good server has it. */
function serve(name: string, content: string | Buffer, etag: string): void {
  answers.set(`/${name}`, (request, response) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.writeHead(200, { etag, 'content-length': Buffer.byteLength(content) }).end(content);
  });
}

function found(): readonly string[] {
  using database = openAdvisories({ path: place.path });
  return idsOf(database.match([component('npm', 'thing', '1.0.0')], undefined));
}

const update = (...sources: AdvisorySource[]) => updateAdvisories({ path: place.path, sources });

test('what is new is downloaded and imported, what is unchanged is neither', async () => {
  serve('a', gzipSync(records('A-1')), '"1"');
  serve('b', records('B-1'), 'W/"1"');
  const told: AdvisoryProgress[] = [];
  const sources = [source('a'), source('b')];
  const first = await updateAdvisories({ path: place.path, sources, progress: (step) => told.push(step) });
  expect(first).toMatchObject({
    changed: true,
    state: { count: 2 },
    sources: [
      { source: 'a', outcome: 'updated', records: 1 },
      { source: 'b', outcome: 'updated', records: 1 },
    ],
  });
  expect(told).toContainEqual(
    expect.objectContaining({ stage: 'download', source: 'a', totalBytes: expect.any(Number) }),
  );
  expect(found()).toEqual(['A-1', 'B-1']);

  serve('b', records('B-2'), '"2"');
  const second = await update(...sources);
  expect(second.sources.map(({ outcome }) => outcome)).toEqual(['unchanged', 'updated']);
  expect(found()).toEqual(['A-1', 'B-2']);
  const third = await update(...sources);
  expect(third).toMatchObject({ changed: false, state: { revision: second.state.revision } });
  expect(await readdir(dirname(place.path))).toEqual(['advisories.db', 'advisories.db.lock']);
  expect(advisoryStatus({ path: place.path })?.sources).toMatchObject([
    { source: 'a', licence: 'CC0-1.0', url: `${base}/a` },
    { source: 'b' },
  ]);
});

test('by date, where a server has no tags', async () => {
  const date = 'Wed, 01 Jan 2025 00:00:00 GMT';
  answers.set('/a', (request, response) => {
    if (request.headers['if-modified-since'] === date) response.writeHead(304).end();
    else response.writeHead(200, { 'last-modified': date }).end(records('A-1'));
  });
  await update(source('a'));
  expect((await update(source('a'))).sources).toMatchObject([{ outcome: 'unchanged', records: 1 }]);
});

test('a new tag on the same bytes is remembered, and nothing is read again', async () => {
  serve('a', records('A-1'), '"1"');
  await update(source('a'));
  serve('a', records('A-1'), '"2"');
  expect(await update(source('a'))).toMatchObject({ changed: false, sources: [{ outcome: 'unchanged' }] });
  await update(source('a'));
  expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"2"']);
});

describe('a connection that breaks', () => {
  const whole = Buffer.from(records(...Array.from({ length: 3000 }, (_, index) => `A-${index}`)));

  /** Sends half, then hangs up; the next request may ask for the rest. */
  function serveInHalves(etag: string, honoursRange: boolean): void {
    let isFirst = true;
    answers.set('/a', (request, response) => {
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (isFirst) {
        isFirst = false;
        response.writeHead(200, { etag, 'content-length': whole.length });
        response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
      } else if (start > 0 && honoursRange && request.headers['if-range'] === etag) {
        response.writeHead(206, {
          etag,
          'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}`,
        });
        response.end(whole.subarray(start));
      } else response.writeHead(200, { etag }).end(whole);
    });
  }

  test('is gone on with where it broke', async () => {
    serveInHalves('"1"', true);
    expect(await update(source('a'))).toMatchObject({ sources: [{ outcome: 'updated', records: 3000 }] });
    expect(asked[1]?.headers).toMatchObject({
      'if-range': '"1"',
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
    });
  });

  test.each([
    ['where the server can’t go on', '"1"', false],
    ['where a weak tag makes it uncertain that it is the same', 'W/"1"', true],
  ])('is begun anew %s', async (_, etag, honoursRange) => {
    serveInHalves(etag, honoursRange);
    expect(await update(source('a'))).toMatchObject({ sources: [{ outcome: 'updated', records: 3000 }] });
  });

  test('in an earlier update is gone on with, too', async () => {
    serveInHalves('"1"', true);
    const controller = new AbortController();
    const begun = updateAdvisories({
      path: place.path,
      sources: [source('a')],
      signal: controller.signal,
      progress: () => controller.abort(new Error('called off')),
    });
    await expect(begun).rejects.toThrow('called off');
    expect(existsSync(`${place.path}.downloads/a`)).toBe(true);
    expect(await update(source('a'))).toMatchObject({ sources: [{ outcome: 'updated', records: 3000 }] });
  });
});

test('without a network each source is named with why, and no host is asked again for each of them', async () => {
  const calls: string[] = [];
  const none: typeof fetch = async (url) => {
    calls.push(String(url));
    throw new TypeError('fetch failed', { cause: new Error('getaddrinfo EAI_AGAIN example.org') });
  };
  const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
  const sources = names.map((name) => source(name));
  const updated = updateAdvisories({ path: place.path, sources, fetch: none, pauseMs: 1 });
  await expect(updated).rejects.toMatchObject({
    code: 'ADVISORIES_UNREACHABLE',
    message: expect.stringMatching(
      new RegExp(names.map((name) => ` ${name} [^\\n]*EAI_AGAIN[^\\n]*`).join('\\n *')),
    ),
  });
  // Four are asked for at once, so that four had not heard of it.
  expect(calls).toHaveLength(4 * 5 + 8);
});

test('what leads away from TLS is not followed', async () => {
  serve('a', records('A-1'), '"1"');
  const away: typeof fetch = async (...parts) =>
    Object.defineProperty(await fetch(...parts), 'url', { value: 'http://example.org/a' });
  await expect(
    updateAdvisories({ path: place.path, sources: [source('a')], fetch: away }),
  ).rejects.toMatchObject({ code: 'ADVISORIES_UNREACHABLE', message: expect.stringContaining('TLS') });
});

describe('a source that fails keeps what it said', () => {
  beforeEach(async () => {
    serve('a', records('A-1'), '"1"');
    serve('b', records('B-1'), '"1"');
    await update(source('a'), source('b'));
    serve('b', records('B-2'), '"2"');
  });

  test.each<readonly [string, () => void, string]>([
    ['not found', () => answers.delete('/a'), 'status 404'],
    ['cut off', () => serve('a', records('A-2').slice(0, -9), '"2"'), 'cut off'],
    ['another thing', () => serve('a', '<html>', '"2"'), 'no JSON'],
    ['too large', () => serve('a', 'x'.repeat(2_000_000), '"2"'), 'more than 1000000 bytes'],
    [
      'too large, without saying so',
      () =>
        answers.set('/a', (_, response) => {
          response.writeHead(200);
          response.end(Buffer.alloc(2_000_000, 'x'));
        }),
      'more than 1000000 bytes',
    ],
  ])('%s', async (_, breakIt, reason) => {
    breakIt();
    const { sources, changed } = await update(source('a'), source('b'));
    expect(sources).toMatchObject([
      { source: 'a', outcome: 'failed', reason: expect.stringContaining(reason), records: 1 },
      { source: 'b', outcome: 'updated' },
    ]);
    expect(changed).toBe(true);
    expect(found()).toEqual(['A-1', 'B-2']);
  });

  test('all of them: that is an error', async () => {
    answers.clear();
    await expect(update(source('a'), source('b'))).rejects.toMatchObject({
      code: 'ADVISORIES_UNREACHABLE',
      message: expect.stringMatching(
        /could not fetch any of 2 sources.*\n {2}a could not be had.*404\n {2}b could not.*404$/,
      ),
    });
    expect(found()).toEqual(['A-1', 'B-1']);
  });
});

test('what has lost half of its records is not believed', async () => {
  const ids = Array.from({ length: 150 }, (_, index) => `A-${index}`);
  serve('a', records(...ids), '"1"');
  serve('b', records('B-1'), '"1"');
  await update(source('a'), source('b'));
  serve('a', records(...ids.slice(0, 70)), '"2"');
  const { sources } = await update(source('a'), source('b'));
  expect(sources).toMatchObject([
    { outcome: 'failed', reason: expect.stringContaining('half') },
    { outcome: 'unchanged' },
  ]);
  expect(found()).toHaveLength(151);
  serve('a', records(...ids.slice(0, 80)), '"3"');
  await update(source('a'), source('b'));
  expect(found()).toHaveLength(81);
});
