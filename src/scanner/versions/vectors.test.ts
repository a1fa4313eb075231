/**
 * The orders of other projects' test tables and of Debian's own dpkg, from outside of the repository. Where a table has
 * pairs that its project answers in another way than the ecosystem itself, fewer must agree.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Ecosystem } from '../types.ts';
import { compareVersions } from './compare.ts';

const shared = process.env['WARD_SHARED'] ?? fileURLToPath(new URL('../../../../shared', import.meta.url));
const folder = join(shared, 'scanning/vectors/versions');
const present = existsSync(folder);

const rows = z.array(z.tuple([z.string(), z.string(), z.number()]));
const read = (file: string): unknown => JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8'));

describe.skipIf(!present)(`tables of others (skipped where ${folder} is not there)`, () => {
  test.each<readonly [string, Ecosystem, number]>([
    ['dpkg-oracle-real', 'deb', 3000],
    ['dpkg-Dpkg_Version.t', 'deb', 43],
    ['scalibr-debian-versions', 'deb', 30],
    ['scalibr-debian-versions-generated', 'deb', 14_442],
    ['apk-version-data', 'apk', 738],
    ['scalibr-alpine-versions', 'apk', 757],
    ['scalibr-alpine-versions-generated', 'apk', 13_979],
    ['rpm-rpmvercmp', 'rpm', 91],
    ['claircore-rpm-rpmvercmp', 'rpm', 113],
    // Grype borrows the epoch of the other side where one is missing; rpm takes it as 0.
    ['grype-rpm-version-compare', 'rpm', 12],
    // Half of the rest has epochs that are words.
    ['scalibr-redhat-versions', 'rpm', 135],
    ['scalibr-semver-versions', 'npm', 86],
    ['grype-golang-version-compare', 'golang', 19],
    ['scalibr-pypi-versions', 'pypi', 37],
    ['scalibr-pypi-versions-generated', 'pypi', 12_375],
    ['scalibr-maven-versions', 'maven', 102],
    ['scalibr-maven-versions-generated', 'maven', 14_738],
    ['grype-gem-version-compare', 'gem', 39],
    ['scalibr-rubygems-versions', 'gem', 25],
    ['scalibr-rubygems-versions-generated', 'gem', 4098],
    ['scalibr-packagist-versions', 'composer', 91],
    ['scalibr-packagist-versions-generated', 'composer', 10_627],
  ])('%s', (file, ecosystem, expected) => {
    const agreeing = rows
      .parse(read(file))
      .filter(([a, b, sign]) => Math.sign(compareVersions(ecosystem, a, b) ?? Number.NaN) === sign);
    expect(agreeing.length).toBeGreaterThanOrEqual(expected);
  });

  test('what PyPA lists in ascending order', () => {
    const versions = z.array(z.string()).parse(read('pypa-packaging-ordered'));
    for (const [i, a] of versions.entries()) {
      for (const b of versions.slice(i + 1)) expect(compareVersions('pypi', a, b)).toBeLessThan(0);
    }
  });
});
