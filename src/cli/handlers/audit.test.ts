/** `ward audit list` and `export` over the API. `test/audit.test.ts` has both at a real server. */
import { mkdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../../lib/index.ts';
import { asked, makeHome, runWard, startBench, stubKey } from '../cli.fixture.ts';

const url = '/ward/v1/audit';
let bench: Awaited<ReturnType<typeof startBench>>;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench?.[Symbol.asyncDispose]());
beforeEach(() => {
  bench.api.answers.clear();
  bench.api.requests.length = 0;
});

const entry = (seq: number): JsonObject => ({
  ...{ seq, time: '2026-01-31T12:00:00.000Z', event: 'create-action', name: `/guest/a${seq}` },
  ...{ actor: 'guest 4e9c', from: '192.0.2.1', namespace: 'guest', after: 'sha256:00', hash: 'ff' },
});
const entries = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => entry(from + index));

/** Answers as the API does for a log of so many entries. */
function logOf(length: number) {
  bench.api.answers.set(`GET ${url}`, ({ url: path }) => {
    const query = new URL(path, bench.api.url).searchParams;
    const after = Number(query.get('after'));
    const count = Math.min(Number(query.get('limit')), length - after);
    const next = count === Number(query.get('limit')) ? { next: after + count } : {};
    return { body: { entries: entries(after + 1, count), ...next } };
  });
}

test('list asks for page after page until it has enough, and says how to go on', async () => {
  logOf(1200);
  const { code, stdout, stderr } = await bench.ward(['audit', 'list', '--limit', '700', '-o', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(entries(1, 700));
  expect(stderr).toBe('more with --after 700\n');
  expect(asked(bench.api)).toEqual([`GET ${url}?after=0&limit=500`, `GET ${url}?after=500&limit=200`]);
});

test('list passes its filters on, and goes on after an empty page', async () => {
  bench.api.answers.set(`GET ${url}`, (_, count) => ({
    body: count === 1 ? { entries: [], next: 10_000 } : { entries: [entry(10_001)] },
  }));
  const filters = ['--who', 'ada *', '--what', 'delete-*', '--since', '2026-01-31', '--until', '2026-02-01'];
  const { stdout, stderr } = await bench.ward(['audit', 'list', ...filters, '--after', '7']);
  expect(stdout).toMatch(
    /SEQ +TIME +WHAT +NAME .*\n10001 +2026-01-31T12:00:00 +create-action +\/guest\/a10001 /,
  );
  expect(stderr).toBe('');
  const [since, until] = ['2026-01-31', '2026-02-01'].map(Date.parse);
  const query = `who=ada+*&what=delete-*&since=${since}&until=${until}`;
  expect(asked(bench.api)).toEqual([
    `GET ${url}?${query}&after=7&limit=100`,
    `GET ${url}?${query}&after=10000&limit=100`,
  ]);
});

test('export prints all entries, one a line', async () => {
  logOf(700);
  const { stdout, stderr } = await bench.ward(['audit', 'export']);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(entries(1, 700));
  expect(stderr).toBe('ok: exported 700 entries\n');
});

test.each([
  ['no entries', {}],
  ['a page that leads back', { entries: [entry(5)], next: 0 }],
])('%s is no log of a Ward', async (_, body) => {
  bench.api.answers.set(`GET ${url}`, { body });
  for (const verb of ['list', 'export'])
    expect(await bench.ward(['audit', verb])).toMatchObject({
      ...{ code: 6, stderr: expect.stringContaining('error[SERVER_NOT_WARD]') },
    });
});

test.each([
  [['list', '--config', 'x.json'], '--config goes with --all or --namespace'],
  [['export', '--syslog', 'tls://h:1'], '--syslog goes with --all or --namespace'],
  [['list', '--since', 'never'], "--since takes a time, not 'never'"],
  [['list', '--limit', '0'], '--limit takes a whole number'],
])('%j is refused before anything is sent', async (words, text) => {
  expect(await bench.ward(['audit', ...words])).toMatchObject({
    ...{ code: 2, stdout: '', stderr: expect.stringContaining(text) },
  });
  expect(bench.api.requests).toEqual([]);
});

test('an operator without a key of their own learns how to see all', async () => {
  logOf(1);
  await using home = await makeHome();

  await mkdir(`${home.path}/data`);
  await writeFile(`${home.path}/data/guest.auth`, stubKey);
  const env = { WARD_APIHOST: bench.api.url };
  for (const verb of ['list', 'export'])
    expect((await runWard(['audit', verb], { home, env })).stderr).toContain(`ward audit ${verb} --all`);
});
