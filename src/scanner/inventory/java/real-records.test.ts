/**
 * Four libraries in most Java images, under their Maven names, with and without `pom.properties`: their real advisories are
 * found. Two sources that are no longer published have those; the test converts their coordinates and versions to OSV.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { databaseOf, idsOf } from '../../advisories/advisories.fixture.ts';
import { mergeLayers } from '../../layers/merge.ts';
import { analysisOf, filesTar } from '../../scanner.fixture.ts';
import { zipOf } from '../../scans.fixture.ts';
import { sharedData } from '../../shared-data.fixture.ts';

const victimsSchema = z.object({
  cve: z.string(),
  affected: z.array(z.object({ groupId: z.string(), artifactId: z.string(), version: z.array(z.string()) })),
});
const cveSchema = z.object({
  cve: z.string(),
  packageName: z.string(),
  versions: z.array(z.object({ version: z.string(), lessThanOrEqual: z.string() })),
});

function linesOf<T>(file: string, schema: z.ZodType<T>): readonly T[] {
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .split('\n')
    .flatMap((line) => (line === '' ? [] : (schema.safeParse(JSON.parse(line)).data ?? [])));
}

function osv(id: string, name: string, spans: readonly (readonly [from: string, last: string])[]): object {
  const events = spans.flatMap(([introduced, last]) => [{ introduced }, { last_affected: last }]);
  return {
    id,
    modified: '2024-01-01T00:00:00Z',
    affected: [{ package: { ecosystem: 'Maven', name }, ranges: [{ type: 'ECOSYSTEM', events }] }],
  };
}

/** `<=3.9.1.Final,3.9` means all of 3.9 up to that version. */
function recordsOf(folder: string): readonly object[] {
  const victims = linesOf(join(folder, 'victims-java.native.ndjson.gz'), victimsSchema);
  const cves = linesOf(join(folder, 'cve5-affected.ndjson.gz'), cveSchema);
  return [
    ...victims.flatMap(({ cve, affected }) =>
      affected.map(({ groupId, artifactId, version }) => {
        const spans = version.flatMap((span) => {
          const [, last, branch] = /^<=([^,]+)(?:,(.+))?$/.exec(span) ?? [];
          return last === undefined ? [] : [[branch ?? '0', last] as const];
        });
        return osv(`CVE-${cve}`, `${groupId}:${artifactId}`, spans);
      }),
    ),
    ...cves
      .filter(({ packageName }) => /^[\w.-]+:[\w.-]+$/.test(packageName))
      .map(({ cve, packageName, versions }) =>
        osv(
          cve,
          packageName,
          versions.map(({ version, lessThanOrEqual }) => [version, lessThanOrEqual]),
        ),
      ),
  ];
}

/** Folders of their classes. */
const libraries = [
  ['CVE-2024-23944', 'org.apache.zookeeper', 'zookeeper', '3.8.3', '3.8.4', 'org/apache/zookeeper/A.class'],
  [
    'CVE-2015-7501',
    'commons-collections',
    'commons-collections',
    '3.2.1',
    '3.2.2',
    'org/apache/commons/collections/A.class',
  ],
  ['CVE-2014-3488', 'io.netty', 'netty', '3.9.1.Final', '3.9.2.Final', 'org/jboss/netty/A.class'],
  [
    'CVE-2014-3558',
    'org.hibernate',
    'hibernate-validator',
    '5.1.1.Final',
    '5.2.0.Final',
    'org/hibernate/validator/A.class',
  ],
] as const;

it.for(libraries)(
  '%s is found in %s:%s %s, and not in %s',
  async ([id, group, artifact, bad, good, classFile], test) => {
    const records = recordsOf(sharedData(test, 'advisories/maven'));
    expect(records.length).toBeGreaterThan(200);
    await using database = await databaseOf({ 'maven.ndjson': records });
    const found = async (version: string, withPom: boolean): Promise<readonly string[]> => {
      const pom = `META-INF/maven/${group}/${artifact}/pom.properties`;
      const text = `groupId=${group}\nartifactId=${artifact}\nversion=${version}\n`;
      const jar = await zipOf({ [classFile]: 'x', ...(withPom && { [pom]: text }) });
      const analysis = await analysisOf(await filesTar({ [`app/lib/${artifact}-${version}.jar`]: jar }));
      const { inventory } = mergeLayers([{ analysis, createdBy: undefined }]);
      expect(inventory.gaps).toEqual([]);
      return idsOf(database.match(inventory.components, undefined));
    };
    for (const withPom of [true, false]) {
      expect(await found(bad, withPom)).toContain(id);
      expect(await found(good, withPom)).not.toContain(id);
    }
  },
);
