/**
 * Checks the minimum elements of an SBOM for really installed packages: dpkg's database and copyright files on the machine
 * that runs the tests, and npm packages of this repository.
 * Source: NTIA, "The Minimum Elements For a Software Bill of Materials", 2021: supplier, name, version, other unique
 * identifiers, dependency relationship, author of the data, timestamp.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, type TestContext } from 'vitest';
import { mustRun } from '../../lib/index.ts';
import { temporaryFolder } from '../scanner.fixture.ts';
import { scannerWith } from '../scans.fixture.ts';
import type { Report } from '../types.ts';
import { cycloneDxOf } from './cyclonedx.ts';
import { spdxOf } from './spdx.ts';

const status = '/var/lib/dpkg/status';
const docs = '/usr/share/doc';
const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
const npmPackages = ['kysely', 'pino', 'zod', 'fastify', 'semver', '@cyclonedx/cyclonedx-library'];

interface Bom {
  readonly metadata: {
    readonly timestamp: string;
    readonly tools: { readonly components: readonly unknown[] };
  };
  readonly components: readonly Record<string, unknown>[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
  readonly compositions: readonly { readonly aggregate: string; readonly dependencies?: readonly string[] }[];
}

let scanned: Promise<Report> | undefined;

async function reportOf(test: TestContext): Promise<Report> {
  if (!existsSync(status)) test.skip(`needs ${status}: this machine is no Debian`);
  scanned ??= scan();
  return scanned;
}

async function scan(): Promise<Report> {
  await using folder = await temporaryFolder();
  const lay = (from: string, to: string) => {
    mkdirSync(join(folder.path, dirname(to)), { recursive: true });
    copyFileSync(from, join(folder.path, to));
  };
  lay(status, 'var/lib/dpkg/status');
  lay('/etc/os-release', 'etc/os-release');
  for (const name of readdirSync(docs)) {
    const file = join(docs, name, 'copyright');
    if (existsSync(file)) lay(file, join('usr/share/doc', name, 'copyright'));
  }
  for (const name of npmPackages) {
    const file = join(name, 'package.json');
    lay(join(modules, file), join('app/node_modules', file));
  }
  await using scanner = scannerWith();
  return await scanner.scanFolder(folder.path, 'root');
}

it('each component has a supplier, a name, a version, an identifier of its own and its relationships', async (test) => {
  const { inventory } = await reportOf(test);
  const bom = cycloneDxOf({ ...(await reportOf(test)) }) as unknown as Bom;
  const packages = bom.components.filter(({ type }) => type !== 'operating-system');
  expect(packages.length).toBe(inventory.components.length);
  expect(packages.length).toBeGreaterThan(npmPackages.length + 50);
  for (const each of packages) {
    expect(each, String(each['purl'])).toMatchObject({
      name: expect.stringMatching(/./),
      version: expect.stringMatching(/./),
      purl: expect.stringMatching(/^pkg:(?:deb|npm)\//),
    });
    const isTold = existsSync(join(docs, String(each['name']), 'copyright'));
    if (isTold) expect(each['licenses'], String(each['purl'])).not.toHaveLength(0);
  }
  const silent = packages.filter(({ supplier }) => supplier === undefined).map(({ name }) => name);
  // Its packager does not state a name.
  expect(silent.filter((name) => !npmPackages.includes(String(name)))).toEqual([]);
  expect(new Set(packages.map((each) => each['purl'])).size).toBe(packages.length);
  const edges = new Map(bom.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const reached = new Set(['scanned']);
  for (const ref of reached) for (const next of edges.get(ref) ?? []) reached.add(next);
  const refs = bom.components.map((each) => String(each['bom-ref']));
  expect(refs.filter((ref) => !reached.has(ref))).toEqual([]);
  expect(bom.metadata.tools.components).toHaveLength(1);
  expect(bom.metadata.timestamp).toBe('2026-01-02T03:04:05.000Z');
});

it('SPDX has the same elements', async (test) => {
  const report = await reportOf(test);
  const { packages, creationInfo, relationships } = spdxOf(report) as unknown as {
    readonly packages: readonly Record<string, unknown>[];
    readonly creationInfo: unknown;
    readonly relationships: readonly Record<string, string>[];
  };
  expect(creationInfo).toEqual({ created: '2026-01-02T03:04:05Z', creators: ['Tool: ward'] });
  const libraries = packages.filter((each) => each['primaryPackagePurpose'] === 'LIBRARY');
  expect(libraries).toHaveLength(report.inventory.components.length);
  for (const each of libraries) {
    expect(each['supplier']).toMatch(/^(?:(?:Organization|Person): .+|NOASSERTION)$/);
    expect(each['licenseDeclared']).toMatch(/^[(A-Za-z0-9]/);
  }
  const ids = new Set([...packages.map((each) => each['SPDXID']), 'SPDXRef-DOCUMENT', 'NONE', 'NOASSERTION']);
  const ends = relationships.flatMap((each) => [each['spdxElementId'], each['relatedSpdxElement']]);
  expect(ends.filter((end) => !ids.has(end))).toEqual([]);
});

it('dependencies equal those of dpkg', async (test) => {
  const { components } = (await reportOf(test)).inventory;
  const fields = ['binary:Package', 'Package', 'Status', 'Depends', 'Pre-Depends'];
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const rows = (await mustRun(['dpkg-query', '-W', '-f', format]))
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, , state]) => state?.endsWith(' installed'));
  const installed = new Set(rows.map(([, name]) => name));
  const needs = new Map(
    components
      .filter(({ ecosystem }) => ecosystem === 'deb')
      .map(({ name, dependsOn = [] }) => [name, dependsOn.map((purl) => /\/([^/@]+)@/.exec(purl)?.[1])]),
  );
  let compared = 0;
  for (const [, name = '', , ...rest] of rows) {
    const plain = rest
      .join(',')
      .split(',')
      .filter((choice) => !choice.includes('|'))
      .map((choice) => choice.trim().split(/[ :]/)[0] ?? '')
      .filter((other) => installed.has(other) && other !== name);
    compared += plain.length;
    expect(needs.get(name), name).toEqual(expect.arrayContaining(plain.map(encodeURIComponent)));
  }
  expect(compared).toBeGreaterThan(100);
});
