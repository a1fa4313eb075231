/**
 * An image with everything bad that Ward knows, and with harmless lookalikes, on a real Debian root. `ward image scan`
 * must tell them apart, finding by finding. A real client pushes them, and the gate refuses each class with its reason.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { tarOf, writeTestImage } from '../src/images/images.fixture.ts';
import { runCommand } from '../src/lib/index.ts';
import { type GateFolder, openPlace } from '../src/server/gate/guarded.fixture.ts';
import { fetchDebianPackages } from './debian-packages.ts';
import { root } from './docs/markdown.ts';
import { advisories, type Kind, type Planted, planted } from './planted.ts';
import { outsideEnv } from './ward.ts';

const system = [
  'base-files',
  'libc6',
  'dash',
  'coreutils',
  'perl-base',
  'libpython3.13-stdlib',
  'libruby3.3',
];
/** Findings from the root itself and the image's configuration, which are not planted. */
const ofTheRoot = ['shell-in-image', 'no-health-check', 'missing-labels'];
/** Figures reached today: lower ones are a regression. */
const floors: Readonly<Record<Kind, readonly [precision: number, recall: number]>> = {
  malware: [1, 0.95],
  secret: [1, 0.98],
  misconfiguration: [1, 1],
  vulnerability: [1, 1],
  gap: [1, 1],
};

const scanSchema = z.object({
  inventory: z.object({ gaps: z.array(z.object({ path: z.string() })) }),
  findings: z.array(
    z.object({
      class: z.enum(['malware', 'secret', 'misconfiguration', 'vulnerability']),
      id: z.string(),
      places: z.array(z.object({ path: z.string() })),
      component: z.object({ purl: z.string() }).optional(),
    }),
  ),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-bad-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Puts files with the same path into further layers, so that all of them are in the image. */
async function layersOf(all: readonly Planted[]): Promise<readonly Buffer[]> {
  const rows: Planted[][] = [];
  for (const each of all) {
    const row = rows.find((layer) => layer.every(({ path }) => path !== each.path));
    if (row === undefined) rows.push([each]);
    else row.push(each);
  }
  return Promise.all(
    rows.map((row) =>
      tarOf(row.map(({ path, content, mode }) => ({ name: path, content, mode: mode ?? 0o644 }))),
    ),
  );
}

async function scan(name: string): Promise<ReadonlyMap<Kind, readonly string[]>> {
  const ward = (...args: readonly string[]) =>
    runCommand([process.execPath, join(root, 'bin/ward.mjs'), ...args, '--data', join(folder, 'data')], {
      cwd: folder,
      env: outsideEnv(),
      maxOutputBytes: 64 * 1024 * 1024,
    });
  await writeFile(join(folder, 'osv.ndjson'), advisories.map((each) => `${JSON.stringify(each)}\n`).join(''));
  expect(await ward('advisories', 'import', 'osv.ndjson')).toMatchObject({ code: 0 });
  const { stdout, code } = await ward('image', 'scan', `oci:${name}:v1`, '-o', 'json');
  expect(code).toBe(1);
  const { findings, inventory } = scanSchema.parse(JSON.parse(stdout));
  const told = findings
    .filter(({ id, places }) => !ofTheRoot.includes(id) && !places[0]?.path.startsWith('image-config:'))
    .map(({ class: kind, id, places, component }) => ({
      kind,
      text: `${id} ${kind === 'vulnerability' ? (component?.purl.split('?')[0] ?? '') : (places[0]?.path ?? '')}`,
    }));
  const gaps = inventory.gaps.map(({ path }) => ({ kind: 'gap' as const, text: path }));
  const byKind = Map.groupBy([...told, ...gaps], ({ kind }) => kind);
  return new Map([...byKind].map(([kind, rows]) => [kind, rows.map(({ text }) => text)]));
}

test('each is reported as what it is, and nothing else is reported', async (context) => {
  await using debian = await fetchDebianPackages(system);
  if (debian.missing !== undefined) context.skip(debian.missing);
  const all = await planted();
  const layers = [await debian.layer(system), ...(await layersOf(all))];
  await writeTestImage(join(folder, 'bad'), { tag: 'v1', layers, packing: 'none', user: '1000' });
  const found = await scan('bad');
  const rows = Object.entries(floors).map(([kind, floor]) => {
    const wanted = new Set(
      all.filter((each) => each.kind === kind).flatMap(({ expected }) => expected ?? []),
    );
    const got = new Set([...found].filter(([each]) => each === kind).flatMap(([, texts]) => texts));
    const right = got.intersection(wanted).size;
    return { kind, floor, precision: right / got.size, recall: right / wanted.size, wanted, got };
  });
  const lines = rows.map(
    ({ kind, precision, recall, wanted, got }) =>
      `${kind.padEnd(17)} ${wanted.size} planted, ${got.size} told, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}\n` +
      [...wanted.difference(got)].map((each) => `    missed: ${each}\n`).join('') +
      [...got.difference(wanted)].map((each) => `    beside: ${each}\n`).join(''),
  );
  console.info(lines.join(''));
  for (const { kind, floor, precision, recall } of rows) {
    expect([kind, precision >= floor[0], recall >= floor[1]], lines.join('')).toEqual([kind, true, true]);
  }
});

describe('pushed by skopeo', () => {
  let place: GateFolder;
  beforeAll(async () => {
    place = await openPlace();
    await place.policy('rules: { distribution: { unknown: allow } }');
    await place.advisories(...advisories);
    await writeFile(
      join(folder, 'config.json'),
      JSON.stringify({ auths: { [new URL(place.url).host]: { auth: 'a2V5OmtleQ==' } } }),
    );
  });
  afterAll(() => place[Symbol.asyncDispose]());

  it.for<[kind: Kind, says: RegExp]>([
    ['malware', /denied by policy \(malware[^)]*\): \d+ malware.* at /],
    ['secret', /denied by policy \(secrets\): \d+ secrets.* at srv\/t\//],
    [
      'vulnerability',
      /denied by policy \(vulnerabilities\.limits\.critical\).*upgrade \w+ .* 1\.0\.0 -> 2\.0\.0/,
    ],
    ['gap', /not judged, so the rule gaps refuses it: could not be read: .*id: gap, with its path/],
    ['misconfiguration', /allowed by policy with warnings: \d+ misconfigurations \[.* at /],
  ])('%s', async ([kind, says], context) => {
    const has = await runCommand(['skopeo', '--version']).catch(() => undefined);
    if (has?.code !== 0) context.skip('skopeo is not installed');
    const its = (await planted()).filter(
      (each) => each.kind === kind && !each.path.startsWith('var/lib/dpkg'),
    );
    await writeTestImage(join(folder, kind), { tag: 'v1', layers: await layersOf(its), user: '1000' });
    const to = `docker://${new URL(place.url).host}/guest/${kind}:v1`;
    const flags = [
      '--insecure-policy',
      'copy',
      '--dest-tls-verify=false',
      '--dest-authfile',
      join(folder, 'config.json'),
    ];
    const { code, stderr } = await runCommand(['skopeo', ...flags, `oci:${join(folder, kind)}:v1`, to], {
      timeoutMs: 60_000,
    });
    // By default a misconfiguration is only a warning.
    expect(code).toBe(kind === 'misconfiguration' ? 0 : 1);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(says);
  });
});
