/**
 * Compares with the test tables of other projects and with Debian's own dpkg, from outside the repository. Where a project
 * differs from the ecosystem itself in some pairs of its table, fewer must agree.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Skippable, scanVectors } from '../shared-data.fixture.ts';
import type { Ecosystem } from '../types.ts';
import { compareVersions } from './compare.ts';

const rows = z.array(z.tuple([z.string(), z.string(), z.number()]));
const read = (test: Skippable, file: string): unknown =>
  JSON.parse(readFileSync(scanVectors(test, `versions/${file}.json`), 'utf8'));

describe('tables of other projects', () => {
  test.for<readonly [string, Ecosystem, number]>([
    ['dpkg-oracle-real', 'deb', 3000],
    ['dpkg-Dpkg_Version.t', 'deb', 43],
    ['scalibr-debian-versions', 'deb', 30],
    ['scalibr-debian-versions-generated', 'deb', 14_442],
    ['apk-version-data', 'apk', 738],
    ['scalibr-alpine-versions', 'apk', 757],
    ['scalibr-alpine-versions-generated', 'apk', 13_979],
    ['rpm-rpmvercmp', 'rpm', 91],
    ['claircore-rpm-rpmvercmp', 'rpm', 113],
    // Grype borrows a missing epoch from the other side; rpm takes it as 0.
    ['grype-rpm-version-compare', 'rpm', 12],
    // Half of the rest has words as epochs.
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
    // PHP takes `dev-foo` for older than all releases; Composer does not compare it.
    ['scalibr-packagist-versions', 'composer', 89],
    ['scalibr-packagist-versions-generated', 'composer', 10_627],
  ])('%s', ([file, ecosystem, expected], test) => {
    const agreeing = rows
      .parse(read(test, file))
      .filter(([a, b, sign]) => Math.sign(compareVersions(ecosystem, a, b) ?? Number.NaN) === sign);
    expect(agreeing.length).toBeGreaterThanOrEqual(expected);
  });

  test('PyPA’s list in ascending order', (context) => {
    const versions = z.array(z.string()).parse(read(context, 'pypa-packaging-ordered'));
    for (const [i, a] of versions.entries()) {
      for (const b of versions.slice(i + 1)) expect(compareVersions('pypi', a, b)).toBeLessThan(0);
    }
  });
});
