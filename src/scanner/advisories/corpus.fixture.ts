/**
 * Versions that sources other than Ward label as affected or not: the lists of PyPA, npm's own reading of the ranges of
 * Node.js' security group, the order of Debian's versions applied to Debian's fixes, and the lists of malicious packages.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import semver from 'semver';
import { z } from 'zod';
import type { Component } from '../types.ts';
import { component } from './advisories.fixture.ts';

interface Labelled {
  readonly component: Component;
  /** Id of the advisory. */
  readonly id: string;
  readonly affected: boolean;
}

interface Corpus {
  readonly name: string;
  readonly least: number;
  /** @param folder Folder of the exports. */
  read(folder: string): readonly Labelled[];
}

export const corpora: readonly Corpus[] = [
  { name: 'PyPI: versions that PyPA lists', least: 3000, read: pypiLists },
  { name: 'npm: ranges as npm reads them', least: 500, read: npmRanges },
  { name: 'Debian: at a fix, and just before it', least: 5000, read: debianFixes },
  { name: 'npm and PyPI: versions that are malicious', least: 2000, read: maliciousVersions },
];

const osvSchema = z.object({
  id: z.string(),
  withdrawn: z.string().optional(),
  affected: z
    .array(
      z.object({
        package: z.object({ ecosystem: z.string(), name: z.string() }),
        versions: z.array(z.string()).default([]),
        ranges: z
          .array(z.object({ type: z.string(), events: z.array(z.record(z.string(), z.string())) }))
          .default([]),
      }),
    )
    .default([]),
});
type Osv = z.infer<typeof osvSchema>;

function linesOf<T>(folder: string, file: string, schema: z.ZodType<T>, every: number): readonly T[] {
  return gunzipSync(readFileSync(join(folder, file)))
    .toString('utf8')
    .split('\n')
    .filter((line, index) => line !== '' && index % every === 0)
    .flatMap((line) => schema.safeParse(JSON.parse(line)).data ?? []);
}

/** One version in the middle of each list. */
function pypiLists(folder: string): readonly Labelled[] {
  return linesOf(folder, 'pypi/pysec.osv.ndjson.gz', osvSchema, 1)
    .filter(({ withdrawn }) => withdrawn === undefined)
    .flatMap(({ id, affected }) =>
      affected.flatMap(({ package: { name }, versions }) => {
        const version = versions[Math.floor(versions.length / 2)];
        if (version === undefined) return [];
        return [{ component: component('pypi', name, version), id, affected: true }];
      }),
    );
}

const nodesecSchema = z.object({
  id: z.number(),
  module_name: z.string(),
  vulnerable_versions: z.string(),
  patched_versions: z.string().nullable(),
});

/** npm's answer for the versions named in a range, and for their neighbours. */
function npmRanges(folder: string): readonly Labelled[] {
  return linesOf(folder, 'npm/nodejs-security-wg.native.ndjson.gz', nodesecSchema, 1).flatMap(
    ({ id, module_name: name, vulnerable_versions: range, patched_versions: patched }) => {
      if (semver.validRange(range) === null) return [];
      // 99.999.99999 stands for all future versions.
      const named = `${range} ${patched ?? ''}`.match(/\b(?!99\.999\.)\d+\.\d+\.\d+/g) ?? [];
      const near = named.flatMap((version) => [version, semver.inc(version, 'patch') ?? version]);
      return [...new Set(near)].flatMap((version) => {
        const affected = semver.satisfies(version, range);
        // Skips a record that contradicts itself.
        if (affected && patched !== null && semver.satisfies(version, patched)) return [];
        return [{ component: component('npm', name, version), id: `NODESEC-${id}`, affected }];
      });
    },
  );
}

/** `~` sorts before everything (deb-version(7)). */
function debianFixes(folder: string): readonly Labelled[] {
  return linesOf(folder, 'debian/trixie-changelog.osv.ndjson.gz', osvSchema, 1).flatMap((record) =>
    fixesOf(record).flatMap(({ id, name, fixed }) =>
      [
        { version: fixed, affected: false },
        { version: `${fixed}+b1`, affected: false },
        { version: `${fixed}~`, affected: true },
      ].map(({ version, affected }) => ({
        component: component('deb', `lib${name}`, version, { source: { name, version } }),
        id,
        affected,
      })),
    ),
  );
}

function fixesOf({ id, affected }: Osv) {
  return affected.flatMap(({ package: { name }, ranges }) => {
    const fixes = ranges.flatMap(({ events }) => events.flatMap((event) => event['fixed'] ?? []));
    return fixes.length === 1 ? fixes.map((fixed) => ({ id, name, fixed })) : [];
  });
}

function maliciousVersions(folder: string): readonly Labelled[] {
  const of = (file: string, ecosystem: 'npm' | 'pypi') =>
    linesOf(folder, file, osvSchema, 5)
      .filter(({ withdrawn }) => withdrawn === undefined)
      .flatMap(({ id, affected }) =>
        affected.flatMap(({ package: { name }, versions }) => {
          const [version] = versions;
          return version === undefined
            ? []
            : [{ component: component(ecosystem, name, version), id, affected: true }];
        }),
      );
  return [
    ...of('npm/ossf-malicious.osv.ndjson.gz', 'npm'),
    ...of('pypi/ossf-malicious.osv.ndjson.gz', 'pypi'),
  ];
}
