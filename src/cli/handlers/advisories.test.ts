/** `ward advisories update`, `import` and `status` as processes, with sources on this machine. */

import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Home, makeHome, runWard } from '../cli.fixture.ts';

const advisory = (id: string) => ({
  id,
  modified: '2026-11-01T00:00:00Z',
  summary: 'a hole',
  affected: [
    {
      package: { ecosystem: 'npm', name: 'left' },
      ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed: '1.0.1' }] }],
    },
  ],
});
const files = new Map<string, string>();
const server = createServer((request, response) => {
  const text = files.get(request.url ?? '');
  const etag = `"${text?.length}"`;
  if (text === undefined) return response.writeHead(404).end();
  if (request.headers['if-none-match'] === etag) return response.writeHead(304).end();
  return response.writeHead(200, { etag }).end(text);
});
let home: Home;
const ward = (...args: string[]) => runWard(['advisories', ...args], { home });
const update = (...args: string[]) => ward('update', '--sources', 'sources.yaml', ...args);

beforeAll(async () => {
  home = await makeHome();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  files.set('/good.json', JSON.stringify(advisory('GHSA-aaaa-bbbb-cccc')));
  files.set('/other.json', JSON.stringify(advisory('GHSA-dddd-eeee-ffff')));
  const entry = (name: string, file: string) =>
    `  - { name: ${name}, form: osv, url: "http://127.0.0.1:${port}/${file}", licence: CC0, maxSize: 1m }\n`;
  const list = entry('osv/good', 'good.json') + entry('osv/other', 'other.json') + entry('gone', 'gone.json');
  await writeFile(join(home.path, 'sources.yaml'), `sources:\n${list}`);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await home[Symbol.asyncDispose]();
});

test('before there are any, status says how to get some', async () => {
  const { code, stderr } = await ward('status');
  expect(code).toBe(5);
  expect(stderr).toMatch(/error\[DATA_DIR_EMPTY\][\s\S]*ward advisories update/);
});

test('update takes in what can be had; a source that fails is an exit code of 1', async () => {
  const { code, stdout, stderr } = await update('-o', 'json');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ok: 2 advisories/);
  expect(JSON.parse(stdout)).toMatchObject({
    changed: true,
    sources: [
      { source: 'osv/good', outcome: 'updated', records: 1 },
      { source: 'osv/other', outcome: 'updated', records: 1 },
      { source: 'gone', outcome: 'failed', reason: expect.stringContaining('404') },
    ],
  });
});

test('update of some sources leaves the others as they are, and downloads nothing twice', async () => {
  files.set('/good.json', JSON.stringify([advisory('GHSA-aaaa-bbbb-cccc'), advisory('GHSA-aaaa-bbbb-dddd')]));
  const { code, stdout } = await update('--source', 'osv');
  expect(code).toBe(0);
  expect(stdout).toMatch(/osv\/good +updated +2/);
  expect(stdout).toMatch(/osv\/other +unchanged +1/);
  expect(JSON.parse((await ward('status', '-o', 'json')).stdout)).toMatchObject({ state: { count: 3 } });
});

test('what there is not is told apart from what can’t be reached', async () => {
  expect(await update('--source', 'osf')).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/error\[FLAG_INVALID\][\s\S]*osv\/good, osv\/other, gone/),
  });
  expect((await update('--source', 'gone')).code).toBe(6);
  expect(JSON.parse((await ward('status', '-o', 'json')).stdout)).toMatchObject({ state: { count: 3 } });
});

test('import tells what made no sense, and reads folders', async () => {
  await mkdir(join(home.path, 'exports/npm'), { recursive: true });
  const lines = [advisory('GHSA-aaaa-bbbb-eeee'), { ...advisory('GHSA-aaaa-bbbb-ffff'), affected: 5 }];
  await writeFile(
    join(home.path, 'exports/npm/all.ndjson'),
    lines.map((each) => `${JSON.stringify(each)}\n`).join(''),
  );
  const { code, stdout, stderr } = await ward('import', 'exports');
  expect(code).toBe(0);
  expect(stderr).toMatch(/all\.ndjson: left out a record that makes no sense: line 2/);
  expect(stdout).toMatch(/all\.ndjson +osv +1 +1 +0 +taken in/);
  expect((await ward('import', 'nowhere')).code).toBe(2);
});
