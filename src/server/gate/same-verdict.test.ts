/** Two servers with the same rules, advisories, policy and VEX give the same verdict on the same image, byte for byte. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parsePolicy, type Verdict, verdictDocument } from '../../gate/index.ts';
import { packageVersion } from '../../lib/index.ts';
import { advisoryInputs, importAdvisories, type Report } from '../../scanner/index.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import {
  type GateFolder,
  imageWith,
  lodash,
  lodashAdvisory,
  openPlace,
  type TestImage,
} from './guarded.fixture.ts';

const deadline = { timeout: 60_000, interval: 20 };
const policy =
  'rules: { bases: { action: allow }, vulnerabilities: { action: warn }, secrets: { action: warn } }';
/** Several sources that describe the same advisories, each in its own words. */
const exports: Readonly<Record<string, string>> = {
  'ghsa.ndjson': JSON.stringify(lodashAdvisory),
  'other.ndjson': [
    { ...lodashAdvisory, id: 'OSV-1', summary: 'Told otherwise', database_specific: { severity: 'LOW' } },
    { ...lodashAdvisory, summary: 'A copy', modified: '2024-04-17T18:39:19Z' },
  ]
    .map((each) => JSON.stringify(each))
    .join('\n'),
  'kev.json': JSON.stringify({
    catalogVersion: '1',
    vulnerabilities: [{ cveID: 'CVE-2021-23337', dateAdded: '2026-01-01' }],
  }),
  'epss-a.csv': 'cve,epss,percentile\nCVE-2021-23337,0.25,0.5\n',
  'epss-b.csv': 'cve,epss,percentile\nCVE-2021-23337,0.75,0.9\n',
};
let folder: string;
let places: readonly [GateFolder, GateFolder];
let image: TestImage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-same-'));
  for (const [name, text] of Object.entries(exports)) await writeFile(join(folder, name), text);
  image = await imageWith({ ...lodash('4.17.20'), ...manyPackages(), 'app/key.pem': key });
  places = [await openPlace(), await openPlace()];
  const names = Object.keys(exports);
  // The first server imports all at once, the second one by one in reverse order.
  await take(places[0], names);
  for (const name of names.toReversed()) await take(places[1], [name]);
  for (const place of places) await set(place, policy);
});
afterAll(async () => {
  for (const place of places) await place[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const key = `-----BEGIN PRIVATE KEY-----\n${'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg'.repeat(4)}\n-----END PRIVATE KEY-----\n`;

function manyPackages(): Record<string, string> {
  const names = ['zod', 'Äther', 'a-b', 'a_b', 'B', 'ab'];
  return Object.fromEntries(
    names.map((name) => [
      `app/node_modules/${name}/package.json`,
      JSON.stringify({ name: name.toLowerCase(), version: '1.0.0' }),
    ]),
  );
}

async function take(place: GateFolder, names: readonly string[]): Promise<void> {
  const inputs = await Promise.all(names.map((name) => advisoryInputs(join(folder, name))));
  await importAdvisories({ path: gatePaths(place.dataDir).advisories, inputs: inputs.flat() });
}

async function set(place: GateFolder, text: string): Promise<void> {
  await place.policy(text);
  const { revision } = parsePolicy(`form: 1\n${text}`);
  await vi.waitFor(async () => {
    const entries = await place.audit();
    const last = (event: string) => entries.findLast((each) => each.event === event);
    expect(last('policy')?.policyRevision).toBe(revision);
    expect(last('advisories')).toBeDefined();
  }, deadline);
}

/** The answers of the server's API. */
async function saidBy({
  guarded: { reports },
}: GateFolder): Promise<{ verdicts: Verdict[]; report: Report }> {
  return JSON.parse(
    JSON.stringify({
      verdicts: await reports.verdicts(image.digest, 'guest'),
      report: await reports.report(image.digest, 'guest'),
    }),
  );
}

function fail(): never {
  throw new Error('there is no verdict');
}

/** Removes the times, as the documentation does. */
function withoutMoments({ scannedAt: _, advisories, ...report }: Report): string {
  const { checkedAt: __, ...state } = advisories ?? {};
  return JSON.stringify({ ...report, advisories: state });
}

test('verdict and report are the same bytes, and name their inputs', async () => {
  for (const place of places) {
    const { status } = await place.push('guest/app', 'v1', image);
    expect(status).toBe(403);
  }
  const [a, b] = [await saidBy(places[0]), await saidBy(places[1])];
  const [verdict] = a.verdicts;
  expect(a.verdicts.map(verdictDocument)).toEqual(b.verdicts.map(verdictDocument));
  expect(withoutMoments(a.report)).toBe(withoutMoments(b.report));
  // Only the time and the line with the address are left out.
  const { judgedAt: _, summary: __, ...said } = verdict ?? fail();
  expect(JSON.parse(verdictDocument(verdict ?? fail()))).toEqual(said);
  expect(verdict).toMatchObject({
    outcome: 'deny',
    policyRevision: parsePolicy(`form: 1\n${policy}`).revision,
    advisoryRevision: expect.stringMatching(/^[0-9a-f]{16}$/),
    advisoriesAt: '2024-04-17T18:39:19.000Z',
    rulesRevision: expect.stringMatching(/^[0-9a-f]{16}$/),
    wardVersion: packageVersion(),
  });
  expect(a.report).toMatchObject({
    advisories: { revision: verdict?.advisoryRevision },
    rules: { revision: verdict?.rulesRevision, ward: packageVersion() },
  });
});

test('with other advisories the verdict changes, and names them', async () => {
  const before = (await saidBy(places[1])).verdicts[0];
  await writeFile(join(folder, 'epss-b.csv'), 'cve,epss,percentile\nCVE-2021-23337,0.5,0.9\n');
  await take(places[1], ['epss-b.csv']);
  await vi.waitFor(async () => {
    const { advisoryRevision } = (await saidBy(places[1])).verdicts[0] ?? {};
    expect(advisoryRevision).not.toBe(before?.advisoryRevision);
  }, deadline);
});
