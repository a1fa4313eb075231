/** Imports real advisories from outside the repository, and finds known ones among them. */
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { sharedData } from '../shared-data.fixture.ts';
import type { Component } from '../types.ts';
import {
  component,
  distribution,
  idsOf,
  vulnerabilities,
  type Workplace,
  workplace,
} from './advisories.fixture.ts';
import { corpora } from './corpus.fixture.ts';
import { importAdvisories } from './import.ts';
import { advisoryInputs } from './inputs.ts';
import { openAdvisories } from './open.ts';
import type { AdvisoryDatabase, AdvisoryInput, ImportResult } from './types.ts';

/** Lists of what was read, and two sources in forms that are no longer published. */
const isOther = ({ source }: AdvisoryInput) =>
  /-sources\.|victims|cve5-affected|npm\/nodejs-security-wg\.native/.test(source);

interface Opened {
  readonly folder: string;
  readonly place: Workplace;
  readonly imported: ImportResult;
  readonly database: AdvisoryDatabase;
}

async function importAll(folder: string): Promise<Opened> {
  const place = await workplace();
  const inputs = await advisoryInputs(folder);
  const imported = await importAdvisories({
    path: place.path,
    inputs: inputs.filter((input) => !isOther(input)),
  });
  return { folder, place, imported, database: openAdvisories({ path: place.path }) };
}

describe('real advisories', () => {
  // The first test that is not skipped imports them.
  let opening: Promise<Opened> | undefined;
  let folder: string;
  let imported: ImportResult;
  let database: AdvisoryDatabase;
  beforeEach(async (test) => {
    opening ??= importAll(sharedData(test, 'advisories'));
    ({ folder, imported, database } = await opening);
  });
  afterAll(async () => {
    const opened = await opening;
    opened?.database[Symbol.dispose]();
    await opened?.place[Symbol.asyncDispose]();
  });

  const found = (...components: readonly Component[]) =>
    idsOf(database.match(components, distribution('debian', '13')));

  test('all are read, and almost all are valid', () => {
    expect(imported.state.count).toBeGreaterThan(90_000);
    expect(imported.sources.length).toBeGreaterThan(15);
    for (const { source, records, bad } of imported.sources) {
      // A broken conversion left lists of versions as text in the sample of GitHub's advisories.
      const allowed = source.startsWith('ghsa-sample') ? 0.1 : 0.001;
      expect([source, bad <= records * allowed]).toEqual([source, true]);
      expect(records).toBeGreaterThan(50);
    }
  });

  test.each(corpora)('$name: found for affected versions and for no others', ({ read, least }) => {
    const labelled = read(folder);
    const wrong = labelled.filter(({ component: it, id, affected }) => {
      const all = database.match([it], distribution('debian', '13'));
      return affected !== all.some((each) => each.id === id || (each.aliases ?? []).includes(id));
    });
    expect(wrong.map(({ component: it, id, affected }) => `${id} ${it.purl} ${affected}`)).toEqual([]);
    expect(labelled.length).toBeGreaterThan(least);
  });

  test('npm: an old lodash, and the fixed one', () => {
    const [first] = vulnerabilities(database.match([component('npm', 'lodash', '4.17.10')], undefined));
    expect(first).toMatchObject({ id: 'CVE-2018-16487', fixedIn: ['4.17.11'], severity: 'medium' });
    expect(found(component('npm', 'lodash', '4.17.4'))).toEqual(
      expect.arrayContaining(['CVE-2018-3721', 'CVE-2018-16487']),
    );
    expect(found(component('npm', 'lodash', '4.17.21'))).toEqual([]);
  });

  test('npm and PyPI: known malicious packages', () => {
    const all = [
      component('npm', 'bandkit', '1.0.7'),
      component('npm', '--hiljson', '0.0.1'),
      component('pypi', '0-8', '0.0.0.1'),
    ];
    expect(database.match(all, undefined)).toMatchObject([
      { class: 'malware', id: 'MAL-2026-4496', aliases: ['LWA-2026-0053'] },
      { class: 'malware', id: 'MAL-2022-2' },
      { class: 'malware', id: 'MAL-2025-2925' },
    ]);
    expect(found(component('npm', 'bandkit', '1.0.6'), component('pypi', '0-8', '0.0.0.2'))).toEqual([]);
  });

  test('Debian 13: openssl by its source package', () => {
    const at = (version: string) => {
      const source = { name: 'openssl', version };
      return found(component('deb', 'libssl3t64', version, { source }));
    };
    expect(at('3.0.10-1').length).toBeGreaterThan(at('3.5.0-1').length);
    expect(at('3.0.0-1')).toContain('CVE-2022-0778');
    expect(at('3.0.2-1')).not.toContain('CVE-2022-0778');
    expect(at('9:1')).toEqual([]);
    const log4j = (version: string) =>
      found(component('deb', 'liblog4j2-java', version, { source: { name: 'apache-log4j2', version } }));
    expect(log4j('2.14.0-1')).toContain('CVE-2021-44228');
    expect(log4j('2.15.0-1')).not.toContain('CVE-2021-44228');
  });

  test('Alpine: by origin and branch', () => {
    const openssl = [
      component('apk', 'libssl1.1', '1.1.1a-r0', { source: { name: 'openssl', version: '1.1.1a-r0' } }),
    ];
    const ids = idsOf(database.match(openssl, distribution('alpine', '3.9.2')));
    expect(ids).toEqual(['CVE-2019-1543', 'CVE-2019-1547', 'CVE-2019-1549', 'CVE-2019-1563']);
    expect(database.match(openssl, distribution('alpine', '3.99.0'))).toEqual([]);
  });

  test('Go: the standard library, and a module', () => {
    const [first] = vulnerabilities(database.match([component('golang', 'stdlib', 'go1.20.1')], undefined));
    expect(first).toMatchObject({ id: 'CVE-2023-24532', aliases: ['GO-2023-1621'], fixedIn: ['1.20.2'] });
    expect(found(component('golang', 'stdlib', 'go1.20.2'))).not.toContain('CVE-2023-24532');
    expect(found(component('golang', 'github.com/gin-gonic/gin', 'v1.5.0'))).toContain('CVE-2020-36567');
  });

  test('PyPI: versions that are only listed, and several names of one vulnerability', () => {
    const [django] = vulnerabilities(database.match([component('pypi', 'Django', '3.0')], undefined));
    expect(django).toMatchObject({ id: 'CVE-2020-13254', aliases: ['GHSA-wpjr-j57x-wxfw', 'PYSEC-2020-31'] });
    // The ranges begin at 4.2.
    expect(found(component('pypi', 'Django', '4.2b1'))).toContain('CVE-2023-31047');
    expect(found(component('pypi', 'Django', '4.2.1'))).not.toContain('CVE-2023-31047');
    // Withdrawn.
    expect(found(component('pypi', 'aamiles', '0.1.1'))).toEqual([]);
  });

  test('Maven: advisories that GitHub reviewed', () => {
    const any23 = (version: string) => found(component('maven', 'org.apache.any23:apache-any23', version));
    expect(any23('2.4')).toContain('CVE-2021-38555');
    expect(any23('2.5')).toEqual([]);
    expect(found(component('maven', 'Org.Apache.Any23:apache-any23', '2.4'))).toEqual([]);
  });

  test('Ruby, Rust, and Node.js itself', () => {
    expect(found(component('gem', 'rack', '2.0.1'))).toContain('CVE-2018-16471');
    expect(found(component('gem', 'rack', '2.0.6'))).not.toContain('CVE-2018-16471');
    expect(found(component('cargo', 'openssl', '0.8.3'))).toContain('CVE-2016-10931');
    expect(found(component('binary', 'node', 'v18.9.0'))).toContain('CVE-2022-35256');
    expect(found(component('binary', 'node', 'v18.9.1'))).not.toContain('CVE-2022-35256');
  });

  test('known exploits, probabilities, and the ends of releases', () => {
    const log4j = component('deb', 'x', '2.14.0-1', {
      source: { name: 'apache-log4j2', version: '2.14.0-1' },
    });
    const all = vulnerabilities(database.match([log4j], distribution('debian', '13')));
    expect(all.find(({ id }) => id === 'CVE-2021-44228')).toMatchObject({ knownExploited: true });
    expect(database.endOfLife(distribution('debian', '13'))).toBe('2028-08-09');
    expect(database.endOfLife(distribution('alpine', '3.20.1'))).toBe('2026-04-01');
    expect(database.covers(distribution('debian', '13.1'))).toBe(true);
    expect(database.covers(distribution('debian', '99'))).toBe(false);
  });
});
