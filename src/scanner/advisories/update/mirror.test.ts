import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { mustRun } from '../../../lib/index.ts';
import { component, idsOf, ndjson, osv, upTo, type Workplace, workplace } from '../advisories.fixture.ts';
import { openAdvisories } from '../open.ts';
import { advisoryStatus } from '../status.ts';
import type { AdvisoryProgress } from '../types.ts';
import { parseChecksums } from './checksums.ts';
import { atMirror, type Mirror, mirrorAt, mirrorPath } from './mirror.ts';
import type { AdvisorySource } from './sources.ts';
import { updateAdvisories } from './update.ts';

let place: Workplace;
let folder: string;

beforeEach(async () => {
  place = await workplace();
  folder = join(place.folder, 'mirror');
  await put('a.example.org/Red Hat/all.json', records('A-1'));
  await put('b.example.org/b.json', records('B-1'));
});
afterEach(() => place[Symbol.asyncDispose]());

const source = (name: string, url: string): AdvisorySource => ({
  ...{ name, form: 'osv', url, licence: 'CC0-1.0', maxBytes: 1_000_000 },
});
const sources = [
  source('a', 'https://a.example.org/Red%20Hat/all.json'),
  source('b', 'https://b.example.org/b.json'),
];
const records = (...ids: string[]) => ndjson(ids.map((id) => osv({ id, events: upTo('2.0.0') })));

async function put(name: string, content: string | Buffer): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

const update = (mirror: Mirror) => updateAdvisories({ path: place.path, sources, mirror, pauseMs: 1 });

function found(): readonly string[] {
  using database = openAdvisories({ path: place.path });
  return idsOf(database.match([component('npm', 'thing', '1.0.0')], undefined));
}

/** The layout in the documentation. */
async function writeSums(): Promise<Buffer> {
  const script = "find . -type f ! -name 'SHA256SUMS*' -exec sha256sum {} + > SHA256SUMS && cat SHA256SUMS";
  return Buffer.from(await mustRun(['sh', '-c', script], { cwd: folder }));
}

describe('a mirror is', () => {
  const believed = (): boolean => true;
  test.each([
    ['https://m.example.org/x', undefined, 'https://m.example.org/x/'],
    ['https://m.example.org/x/?y#z', undefined, 'https://m.example.org/x/'],
    ['http://127.0.0.1:8080', undefined, 'http://127.0.0.1:8080/'],
    ['http://m.example.org', () => true, 'http://m.example.org/'],
    ['/srv/my mirror', undefined, 'file:///srv/my%20mirror/'],
  ] as const)('%s', (from, check, url) => {
    expect(mirrorAt(from, check).url.href).toBe(url);
  });

  test.each([
    ['http://m.example.org', undefined],
    ['ftp://m.example.org', believed],
    ['http://me:secret@m.example.org', believed],
    ['https://', undefined],
  ] as const)('not %s', (from, check) => {
    expect(() => mirrorAt(from, check)).toThrow(
      expect.objectContaining({ code: 'ADVISORY_SOURCES_INVALID' }),
    );
  });

  test('laid out like the public exports', () => {
    const { url } = atMirror(
      source('a', 'https://a.example.org/Red%20Hat/all.zip?x=1'),
      mirrorAt('https://m/x'),
    );
    expect(url).toBe('https://m/x/a.example.org/Red%20Hat/all.zip%3Fx%3D1');
    for (const path of ['a%2f..%2fb', '%00', 'a//b', '', 'a%ff', 'a%0ab'])
      expect(() => mirrorPath(source('a', `https://a.example.org/${path}`))).toThrow('no file of a mirror');
  });
});

describe('a folder', () => {
  test('is read like the exports, without unchanged files', async () => {
    const mirror = mirrorAt(folder);
    expect((await update(mirror)).sources.map(({ outcome }) => outcome)).toEqual(['updated', 'updated']);
    expect(found()).toEqual(['A-1', 'B-1']);
    await put('b.example.org/b.json', records('B-1', 'B-2'));
    expect((await update(mirror)).sources.map(({ outcome }) => outcome)).toEqual(['unchanged', 'updated']);
    expect(found()).toEqual(['A-1', 'B-1', 'B-2']);
    expect(advisoryStatus({ path: place.path })?.sources[0]?.url).toMatch(
      /^file:.*a\.example\.org\/Red%20Hat/,
    );
    expect(await readdir(dirname(place.path))).not.toContain('advisories.db.downloads');
    // The mirror itself stays unchanged.
    expect((await readdir(folder)).toSorted()).toEqual(['a.example.org', 'b.example.org']);
  });

  test.each<readonly [string, () => Promise<void>, string]>([
    ['is not there', () => rm(join(folder, 'b.example.org'), { recursive: true }), 'it does not exist'],
    ['is a folder', () => put('b.example.org/b.json/x', ''), 'it does not exist'],
    [
      'is a pipe',
      async () => {
        await mkdir(join(folder, 'b.example.org'));
        await mustRun(['mkfifo', join(folder, 'b.example.org/b.json')]);
      },
      'it does not exist',
    ],
    [
      'is too large',
      () => truncate(join(folder, 'b.example.org/b.json'), 1_000_001),
      'more than 1000000 bytes',
    ],
    ['is cut off', () => truncate(join(folder, 'b.example.org/b.json'), 40), 'cut off'],
  ])('keeps the records of a source whose file %s', async (_, breakIt, reason) => {
    if (reason === 'it does not exist') await rm(join(folder, 'b.example.org'), { recursive: true });
    await breakIt().catch(() => {});
    const { sources: each } = await update(mirrorAt(folder));
    expect(each).toMatchObject([
      { outcome: 'updated' },
      { source: 'b', outcome: 'failed', reason: expect.stringContaining(reason) },
    ]);
  });

  test('has no files open afterwards, not even refused ones', async () => {
    await truncate(join(folder, 'b.example.org/b.json'), 1_000_001);
    await update(mirrorAt(folder));
    const open = async () => {
      const links = (await readdir('/proc/self/fd')).map((fd) =>
        readlink(`/proc/self/fd/${fd}`).catch(() => ''),
      );
      return (await Promise.all(links)).filter((path) => path.startsWith(folder));
    };
    await vi.waitFor(async () => expect(await open()).toEqual([]));
  });

  test('with matching SHA256SUMS is imported, and nothing is copied twice', async () => {
    await writeSums();
    expect((await update(mirrorAt(folder))).sources.map(({ outcome }) => outcome)).toEqual([
      'updated',
      'updated',
    ]);
    const again = await update(mirrorAt(folder));
    expect(again).toMatchObject({
      changed: false,
      sources: [{ outcome: 'unchanged' }, { outcome: 'unchanged' }],
    });
  });

  test.each<readonly [string, () => Promise<unknown>, string]>([
    [
      'differs from SHA256SUMS',
      async () => {
        await put('b.example.org/b.json', records('B-2'));
        await writeSums();
        await put('b.example.org/b.json', records('B-3'));
      },
      'does not match SHA256SUMS',
    ],
    [
      'is not in SHA256SUMS',
      async () => {
        await rm(join(folder, 'b.example.org'), { recursive: true });
        await writeSums();
      },
      'does not list b.example.org/b.json',
    ],
    [
      'is twice in SHA256SUMS',
      async () => put('SHA256SUMS', `${await writeSums()}${'0'.repeat(64)}  b.example.org/b.json\n`),
      'has two checksums for',
    ],
  ])('with a file that %s keeps the records of that source', async (_, breakIt, reason) => {
    await writeSums();
    await update(mirrorAt(folder));
    await put('a.example.org/Red Hat/all.json', records('A-2'));
    await writeSums();
    await breakIt();
    expect((await update(mirrorAt(folder))).sources).toMatchObject([
      { outcome: 'updated' },
      { source: 'b', outcome: 'failed', reason: expect.stringContaining(reason) },
    ]);
    expect(found()).toEqual(['A-2', 'B-1']);
  });

  test.each(['hello', `${'0'.repeat(63)}  a`, `\\${'0'.repeat(64)}  a`, `${'0'.repeat(64)} a`])(
    'with %j in SHA256SUMS is refused as a whole',
    async (line) => {
      expect(() => parseChecksums(`${line}\n`)).toThrow('line 1 of SHA256SUMS');
      await put('SHA256SUMS', line);
      await expect(update(mirrorAt(folder))).rejects.toMatchObject({ code: 'ADVISORIES_UNTRUSTED' });
    },
  );
});

describe('a mirror that is signed', () => {
  const keys = {
    ed25519: generateKeyPairSync('ed25519'),
    ecdsa: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  };
  const digestOf = { ed25519: null, ecdsa: 'sha256' };
  const kinds = ['ed25519', 'ecdsa'] as const;
  const signed = (kind: (typeof kinds)[number]): Mirror =>
    mirrorAt(folder, (content, signature) =>
      verify(digestOf[kind], content, keys[kind].publicKey, signature),
    );
  const signIt = async (kind: (typeof kinds)[number]) =>
    sign(digestOf[kind], await writeSums(), keys[kind].privateKey);

  test.each(kinds)('by %s is accepted, plain or in base64', async (kind) => {
    const signature = await signIt(kind);
    await put('SHA256SUMS.sig', signature);
    expect((await update(signed(kind))).changed).toBe(true);
    await put('SHA256SUMS.sig', `${signature.toString('base64')}\n`);
    expect((await update(signed(kind))).changed).toBe(false);
  });

  test.each<readonly [string, () => Promise<void>, string]>([
    [
      'whose list was changed since',
      async () => void (await put('c', '').then(writeSums)),
      'the key did not sign',
    ],
    [
      'signed by another key',
      async () => put('SHA256SUMS.sig', await signIt('ecdsa')),
      'the key did not sign',
    ],
    ['with an empty signature', () => put('SHA256SUMS.sig', ''), 'the key did not sign'],
    ['without a signature', () => rm(join(folder, 'SHA256SUMS.sig')), 'it has no SHA256SUMS.sig'],
    ['without a list', () => rm(join(folder, 'SHA256SUMS')), 'it has no SHA256SUMS'],
  ])('%s gets no further requests, and the old advisories stay', async (_, breakIt, reason) => {
    await put('SHA256SUMS.sig', await signIt('ed25519'));
    await update(signed('ed25519'));
    await put('b.example.org/b.json', records('B-2'));
    await breakIt();
    await expect(update(signed('ed25519'))).rejects.toMatchObject({
      code: 'ADVISORIES_UNTRUSTED',
      message: expect.stringContaining(reason),
    });
    expect(found()).toEqual(['A-1', 'B-1']);
  });
});

describe('a mirror by HTTP', () => {
  let asked: string[];
  let answers: Map<string, RequestListener>;
  let base: string;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '');
    asked.push(path);
    const answer = answers.get(path);
    if (answer) answer(request, response);
    else response.writeHead(404).end();
  });
  beforeEach(async () => {
    asked = [];
    answers = new Map();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/m`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const [first, second] = [records('A-1'), records('B-1')];
  const serve = (path: string, content: string | Buffer) =>
    answers.set(`/m/${path}`, (_, response) => void response.end(content));
  const sumOf = (text: string) => createHash('sha256').update(text).digest('hex');
  const list = `${sumOf(first)}  ./a.example.org/Red Hat/all.json\n${sumOf(second)} *b.example.org/b.json\n`;

  test('is asked for its list and for changed files', async () => {
    serve('SHA256SUMS', list);
    serve('a.example.org/Red Hat/all.json', first);
    serve('b.example.org/b.json', second);
    await update(mirrorAt(base));
    expect(found()).toEqual(['A-1', 'B-1']);
    asked = [];
    expect(await update(mirrorAt(base))).toMatchObject({ changed: false });
    expect(asked).toEqual(['/m/SHA256SUMS']);
  });

  test('that cuts a file off is resumed, and checked with the list', async () => {
    serve('SHA256SUMS', list);
    serve('b.example.org/b.json', second);
    let cut = () => {};
    const ranges: (string | undefined)[] = [];
    answers.set('/m/a.example.org/Red Hat/all.json', (request, response) => {
      const whole = Buffer.from(first);
      ranges.push(request.headers.range);
      if (ranges.length === 1) {
        cut = () => response.destroy();
        response.writeHead(200, { etag: '"1"', 'content-length': whole.length });
        response.write(whole.subarray(0, 50));
        return;
      }
      // By now another file has the same tag.
      const rest = Buffer.alloc(whole.length - 50, 'x');
      response.writeHead(206, {
        etag: '"1"',
        'content-range': `bytes 50-${whole.length - 1}/${whole.length}`,
      });
      response.end(rest);
    });
    const progress = ({ source: name, bytes }: AdvisoryProgress) => {
      if (name === 'a' && bytes === 50) cut();
    };
    const mirror = mirrorAt(base);
    expect(await updateAdvisories({ path: place.path, sources, mirror, progress, pauseMs: 1 })).toMatchObject(
      {
        sources: [
          { source: 'a', outcome: 'failed', reason: expect.stringContaining('does not match SHA256SUMS') },
          { source: 'b', outcome: 'updated' },
        ],
      },
    );
    expect(ranges).toEqual([undefined, 'bytes=50-']);
  });

  test('with an endless list is given up', async () => {
    answers.set('/m/SHA256SUMS', (_, response) => {
      response.on('drain', () => response.write(Buffer.alloc(65_536, 'x')));
      response.write(Buffer.alloc(1024 * 1024, 'x'));
    });
    await expect(update(mirrorAt(base))).rejects.toMatchObject({ code: 'ADVISORY_FILE_TOO_LARGE' });
  });

  test('that does not answer is named', async () => {
    answers.set('/m/SHA256SUMS', (_, response) => void response.writeHead(503).end());
    await expect(update(mirrorAt(base))).rejects.toMatchObject({
      code: 'ADVISORIES_UNREACHABLE',
      message: expect.stringContaining('status 503'),
    });
  });
});
