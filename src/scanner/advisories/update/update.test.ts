import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCommand } from '../../../lib/index.ts';
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
/** Files by path. All others are not found. */
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

/** Content with an entity tag, as a good server sends it. */
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

test('new files are downloaded and imported, unchanged ones are not', async () => {
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
  expect((await readdir(dirname(place.path))).toSorted()).toEqual([
    'advisories.db',
    'advisories.db.lock',
    'advisories.db.sha256',
    'advisories.db.update.lock',
  ]);
  expect(advisoryStatus({ path: place.path })?.sources).toMatchObject([
    { source: 'a', licence: 'CC0-1.0', url: `${base}/a` },
    { source: 'b' },
  ]);
});

test('without tags, the date tells what is unchanged', async () => {
  const date = 'Wed, 01 Jan 2025 00:00:00 GMT';
  answers.set('/a', (request, response) => {
    if (request.headers['if-modified-since'] === date) response.writeHead(304).end();
    else response.writeHead(200, { 'last-modified': date }).end(records('A-1'));
  });
  await update(source('a'));
  expect((await update(source('a'))).sources).toMatchObject([{ outcome: 'unchanged', records: 1 }]);
});

test('a new tag on the same bytes is stored, and nothing is imported again', async () => {
  serve('a', records('A-1'), '"1"');
  await update(source('a'));
  serve('a', records('A-1'), '"2"');
  expect(await update(source('a'))).toMatchObject({ changed: false, sources: [{ outcome: 'unchanged' }] });
  await update(source('a'));
  expect(asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"2"']);
});

describe('a connection that breaks', () => {
  const whole = Buffer.from(records(...Array.from({ length: 3000 }, (_, index) => `A-${index}`)));

  /** Sends half, then hangs up. The next request may ask for the rest. */
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

  test('is resumed where it broke', async () => {
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
  ])('is restarted %s', async (_, etag, honoursRange) => {
    serveInHalves(etag, honoursRange);
    expect(await update(source('a'))).toMatchObject({ sources: [{ outcome: 'updated', records: 3000 }] });
  });

  test('in an earlier update is resumed, too', async () => {
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

test('without a network each source is named with a reason, and each host gets all attempts only once', async () => {
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
  // Four downloads run concurrently, so four started before the host was known to be gone.
  expect(calls).toHaveLength(4 * 5 + 8);
});

describe('a redirect', () => {
  const lead = (path: string, location: string) =>
    answers.set(path, (_, response) => response.writeHead(302, { location }).end());

  test('is followed a few times', async () => {
    lead('/a', '/b');
    lead('/b', `${base}/c`);
    serve('c', records('A-1'), '"1"');
    expect((await update(source('a'))).sources).toMatchObject([{ outcome: 'updated', records: 1 }]);
  });

  test.each([
    ['for ever', '/a', 'redirects more than 5 times'],
    ['away from TLS', 'http://example.org/a', 'away from TLS'],
    ['to another scheme', 'https://example.org/a', 'another scheme'],
    ['to files', 'file:///etc/passwd', 'another scheme'],
    ['nowhere', 'http://', 'another scheme'],
  ])('is not followed %s', async (_, location, reason) => {
    lead('/a', location);
    await expect(update(source('a'))).rejects.toMatchObject({
      code: 'ADVISORIES_UNREACHABLE',
      message: expect.stringContaining(reason),
    });
    expect(asked.length).toBeLessThan(10);
  });
});

describe('a digest that the server sends', () => {
  const text = records('A-1', 'A-2');
  const hash = (algorithm: string, of: string) => createHash(algorithm).update(of).digest('base64');
  const said = (of: string) => [
    { 'repr-digest': `sha-256=:${hash('sha256', of)}:` },
    { 'x-goog-hash': `crc32c=AAAAAA==, md5=${hash('md5', of)}` },
  ];
  const answer = (headers: object, body: string) =>
    answers.set('/a', (_, response) => response.writeHead(200, { ...headers }).end(body));

  test.each(said(text))('is checked: %o', async (headers) => {
    answer(headers, text);
    expect((await update(source('a'))).sources).toMatchObject([{ outcome: 'updated' }]);
  });

  test.each(said(text))('makes other bytes fail: %o', async (headers) => {
    answer(headers, records('A-1', 'A-3'));
    const updated = updateAdvisories({ path: place.path, sources: [source('a')], pauseMs: 1 });
    await expect(updated).rejects.toMatchObject({ message: expect.stringContaining('damaged in transit') });
    expect(asked).toHaveLength(5);
  });
});

test('a silent server is given up', async () => {
  answers.set('/a', (_, response) => void response.writeHead(200).write('{'));
  const updated = updateAdvisories({ path: place.path, sources: [source('a')], pauseMs: 1, stallMs: 20 });
  await expect(updated).rejects.toMatchObject({
    message: expect.stringContaining('no data arrived for 0.02 s'),
  });
});

test('a second concurrent update is refused', async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  answers.set('/a', (_, response) => {
    begun.resolve();
    void go.promise.then(() => response.writeHead(200).end(records('A-1')));
  });
  const first = update(source('a'));
  await begun.promise;
  await expect(update(source('a'))).rejects.toMatchObject({ code: 'ADVISORIES_BUSY' });
  go.resolve();
  expect((await first).changed).toBe(true);
});

test('the download of a killed process is resumed', async () => {
  const whole = Buffer.from(records(...Array.from({ length: 3000 }, (_, index) => `A-${index}`)));
  const half = Math.floor(whole.length / 2);
  answers.set('/a', (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const head = { etag: '"1"', 'content-length': whole.length - start };
    if (start === 0) return void response.writeHead(200, head).write(whole.subarray(0, half));
    response.writeHead(206, {
      ...head,
      'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}`,
    });
    response.end(whole.subarray(start));
  });
  const program = fileURLToPath(new URL('./update-forever.fixture.ts', import.meta.url));
  const child = startCommand([process.execPath, program, place.path, `${base}/a`], { stdio: 'pipe' });
  const ended = once(child, 'exit');
  if (child.stdout === null) throw new Error('it has no output');
  for await (const line of createInterface(child.stdout)) if (line === `${half}`) child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(existsSync(place.path)).toBe(false);
  expect(await update(source('a'))).toMatchObject({ sources: [{ outcome: 'updated', records: 3000 }] });
  expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${half}-`]);
});

describe('a source that fails keeps its records', () => {
  beforeEach(async () => {
    serve('a', records('A-1'), '"1"');
    serve('b', records('B-1'), '"1"');
    await update(source('a'), source('b'));
    serve('b', records('B-2'), '"2"');
  });

  test.each<readonly [string, () => void, string]>([
    ['not found', () => answers.delete('/a'), 'status 404'],
    ['cut off', () => serve('a', records('A-2').slice(0, -9), '"2"'), 'cut off'],
    ['another thing', () => serve('a', '<html>', '"2"'), 'not a JSON'],
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

  test('it is an error when all sources fail', async () => {
    answers.clear();
    await expect(update(source('a'), source('b'))).rejects.toMatchObject({
      code: 'ADVISORIES_UNREACHABLE',
      message: expect.stringMatching(
        /could not fetch any of 2 sources.*\n {2}a could not be fetched.*404: it does not exist\n {2}b could not.*404: .*$/,
      ),
    });
    expect(found()).toEqual(['A-1', 'B-1']);
  });
});

describe('a source that has lost many records', () => {
  const ids = Array.from({ length: 150 }, (_, index) => `A-${index}`);
  const few = (reason: string) => [
    { outcome: 'failed', reason: expect.stringMatching(reason) },
    { outcome: 'unchanged' },
  ];
  const updateBoth = (rest: Partial<AdvisorySource> = {}, acceptsFewer = false) =>
    updateAdvisories({
      path: place.path,
      sources: [{ ...source('a'), ...rest }, source('b')],
      acceptsFewer,
    });

  beforeEach(async () => {
    serve('a', records(...ids), '"1"');
    serve('b', records('B-1'), '"1"');
    await updateBoth();
  });

  test('is refused below four fifths, unless fewer are accepted', async () => {
    serve('a', records(...ids.slice(0, 119)), '"2"');
    expect((await updateBoth()).sources).toMatchObject(few('119 records, but at least 120 .*--accept-fewer'));
    expect(found()).toHaveLength(151);
    expect((await updateBoth({}, true)).sources).toMatchObject([{ outcome: 'updated', records: 119 }, {}]);
    expect(found()).toHaveLength(120);
  });

  test('is accepted from four fifths on', async () => {
    serve('a', records(...ids.slice(0, 120)), '"2"');
    expect((await updateBoth()).sources).toMatchObject([{ outcome: 'updated' }, {}]);
  });

  test('is accepted if it holds only the latest changes', async () => {
    serve('a', records(...ids.slice(0, 3)), '"2"');
    expect((await updateBoth({ isRolling: true })).sources).toMatchObject([{ outcome: 'updated' }, {}]);
  });

  test('is refused below the minimum of its list', async () => {
    serve('a', records(...ids.slice(0, 140)), '"2"');
    expect((await updateBoth({ leastRecords: 141 })).sources).toMatchObject(
      few('140 records, but at least 141'),
    );
  });
});

test('the first export is refused below the minimum, too', async () => {
  serve('a', records('A-1', 'A-2'), '"1"');
  const cut = { ...source('a'), leastRecords: 3 };
  await expect(update(cut)).rejects.toMatchObject({ code: 'ADVISORIES_TOO_FEW' });
  expect(existsSync(place.path)).toBe(false);
});
