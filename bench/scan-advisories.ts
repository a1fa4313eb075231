/** Invented advisories for the bench: as many as the public exports have of an ecosystem, some for each component. */
import { writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Component } from '../src/scanner/index.ts';

const others = 100_000;
/** Number for each component, as for popular packages: nearly all were fixed long ago. */
const ofEachComponent = 8;
/** Every n-th component has one that is not fixed. */
const vulnerableEvery = 5;

/** @param year of their last change; another year gives other advisories */
export async function writeAdvisories(
  file: string,
  components: readonly Component[],
  year: number,
): Promise<void> {
  const lines: string[] = [];
  for (let index = 0; index < others; index++)
    lines.push(record(lines.length, year, 'npm', `other-${index}`, '1.0.0'));
  for (const [index, component] of components.entries()) {
    const { ecosystem, name } = subjectOf(component);
    for (let old = 0; old < ofEachComponent; old++)
      lines.push(record(lines.length, year, ecosystem, name, '0.0.1'));
    if (index % vulnerableEvery === 0) lines.push(record(lines.length, year, ecosystem, name, '9999.0.0'));
  }
  await writeFile(file, gzipSync(lines.join('\n'), { level: 1 }));
}

function subjectOf({ ecosystem, name, source }: Component): { ecosystem: string; name: string } {
  return ecosystem === 'deb'
    ? { ecosystem: 'Debian:13', name: source?.name ?? name }
    : { ecosystem: 'npm', name };
}

function record(number: number, year: number, ecosystem: string, name: string, fixed: string): string {
  return JSON.stringify({
    schema_version: '1.6.0',
    id: `CVE-${year}-${10_000 + number}`,
    modified: `${year}-01-01T00:00:00Z`,
    published: '2024-01-01T00:00:00Z',
    summary: `Vulnerability in ${name}`,
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
    affected: [
      {
        package: { ecosystem, name },
        ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed }] }],
      },
    ],
  });
}
