import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { randomHex } from '../../lib/index.ts';
import { parseBlobLocation } from '../location.ts';
import type { BucketTimes } from './bucket.ts';
import { type Breakage, type FaultProxy, type Request, startFaultProxy } from './fault-proxy.fixture.ts';
import { missingForMoto, startMoto, type TestServer, testBucket } from './moto.fixture.ts';
import { probeS3 } from './probes.ts';

const quick: BucketTimes = { connectMs: 1000, answerMs: 10_000, idleMs: 10_000, tries: 3 };
const layerBytes = 3_000_001;

let missing: string | undefined;
let moto: TestServer;
let proxy: FaultProxy;

beforeEach((context) => context.skip(missing !== undefined, missing));

beforeAll(async () => {
  missing = await missingForMoto();
  if (missing !== undefined) return;
  moto = await startMoto();
  proxy = await startFaultProxy(moto.url);
}, 60_000);

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await moto?.[Symbol.asyncDispose]();
});

async function probe(
  breakage: (request: Request) => Breakage | undefined,
  prefix: string = `t-${randomHex(4)}`,
) {
  proxy.breakage = breakage;
  proxy.requests.length = 0;
  const location = parseBlobLocation(`s3://${testBucket}/${prefix}?endpoint=${proxy.url}`);
  const report = await probeS3(location, quick, layerBytes);
  const failed = report.probes.flatMap(({ name, result }) => (result === 'failed' ? [name] : []));
  return { ...report, failed };
}

it('show that a good store is fit, and leave nothing in it', async () => {
  const prefix = `t-${randomHex(4)}`;
  await moto.put(`${prefix}/mine`, 'kept');
  const { ok, failed, probes } = await probe(() => ({ kind: 'hash' }), prefix);
  expect({ ok, failed }).toEqual({ ok: true, failed: [] });
  const layer = proxy.requests.filter(({ method, path }) => method === 'PUT' && path.includes('/layer'));
  expect(layer.map(({ headers }) => headers['content-length'])).toEqual([String(layerBytes)]);
  expect(probes.find(({ name }) => name === 'damaged upload')?.evidence).toContain(
    'XAmzContentSHA256Mismatch',
  );
  expect(await moto.keys(prefix)).toEqual([`${prefix}/mine`]);
  expect(await moto.unfinished(prefix)).toEqual([]);
});

it('tell that a store takes other bytes than those of the signed digest, which is not required', async () => {
  const { ok, failed, probes } = await probe(() => undefined);
  expect({ ok, failed }).toEqual({ ok: true, failed: ['damaged upload'] });
  expect(probes.find(({ name }) => name === 'damaged upload')).toMatchObject({
    isRequired: false,
    evidence: expect.stringContaining('takes a layer whose bytes are not those'),
  });
});

it.each<[string, string, (request: Request) => Breakage | undefined]>([
  [
    'answers a ranged read with other bytes',
    'ranged read',
    ({ headers }) => changed(headers.range !== undefined),
  ],
  ['lists one page only', 'list in pages', ({ path }) => unpaged(path)],
  ['does not delete', 'delete', ({ method }) => (method === 'DELETE' ? done : undefined)],
  [
    'has no uploads in parts',
    'upload in parts',
    ({ path }) => (path.includes('?uploads=') ? denied : undefined),
  ],
  ['takes no long request', 'upload as a whole', ({ headers }) => (isLayer(headers) ? tooLarge : undefined)],
  [
    'changes a layer',
    'upload as a whole',
    ({ path, method }) => changed(method === 'GET' && path.includes('/layer')),
  ],
])('show a store that %s', async (_title, name, breakage) => {
  const { ok, failed } = await probe(breakage);
  expect(ok).toBe(false);
  expect(failed).toContain(name);
});

it('stop at the first one when nothing can be stored', async () => {
  const { ok, probes } = await probe(() => denied);
  expect(ok).toBe(false);
  expect(probes[0]).toMatchObject({
    name: 'put',
    result: 'failed',
    evidence: expect.stringContaining('AccessDenied'),
  });
  expect(probes[1]).toMatchObject({ result: 'skipped' });
});

const done: Breakage = { kind: 'instead', status: 204, body: '' };
const denied: Breakage = {
  kind: 'instead',
  status: 403,
  body: '<Error><Code>AccessDenied</Code><Message>no</Message></Error>',
};
/** As nginx answers. */
const tooLarge: Breakage = {
  kind: 'instead',
  status: 413,
  body: '<html>413 Request Entity Too Large</html>',
};

function isLayer(headers: Request['headers']): boolean {
  return headers['content-length'] === String(layerBytes);
}

function changed(isChosen: boolean): Breakage | undefined {
  return isChosen ? { kind: 'change', change: (body) => Buffer.alloc(body.length, '?') } : undefined;
}

function unpaged(path: string): Breakage | undefined {
  return path.includes('start-after')
    ? { kind: 'other', path: path.replace(/start-after=[^&]*/, '') }
    : undefined;
}
