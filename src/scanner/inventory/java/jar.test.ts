import { hash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { analysisOf, filesTar } from '../../scanner.fixture.ts';
import type { FoundPackage } from '../types.ts';
import { manifestOf, propertiesOf } from './properties.ts';

function zipOf(files: Readonly<Record<string, string | Buffer>>, compress = false): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), name, { compress: compress || !name.endsWith('.jar') });
  }
  zip.end();
  return buffer(zip.outputStream);
}

const pomOf = (group: string, artifact: string, version: string) => ({
  [`META-INF/maven/${group}/${artifact}/pom.properties`]: `#Created by Apache Maven\nversion=${version}\ngroupId=${group}\nartifactId = ${artifact}\n`,
});
const log4j = await zipOf(pomOf('org.apache.logging.log4j', 'log4j-core', '2.14.1'));

interface Read {
  readonly packages: readonly FoundPackage[];
  readonly gaps: readonly string[];
}

/** The result of scanning a layer with the jar. */
async function read(path: string, jar: Buffer | string): Promise<Read> {
  const { evidence, gaps } = await analysisOf(await filesTar({ [path]: jar }));
  return {
    packages: evidence.flatMap(({ packages }) => packages ?? []),
    gaps: [...evidence.flatMap((each) => each.gaps ?? []), ...gaps.map(({ reason }) => reason)],
  };
}

function names({ packages }: Read): string[] {
  return packages.map(
    ({ name, version, within }) => `${name} ${version}${within === undefined ? '' : ` in ${within}`}`,
  );
}

describe('a jar', () => {
  it('with one artifact gives it the digests, vendor and licence of the jar', async () => {
    const manifest = [
      'Manifest-Version: 1.0',
      'Implementation-Vendor: The Apache Software Foundation',
      'Bundle-License: https://www.apache.org/licenses/LICENSE-2.0.txt;link="x"',
    ].join('\r\n');
    const files = { 'META-INF/MANIFEST.MF': `${manifest}\r\n`, ...pomOf('org.acme', 'thing', '1.0') };
    const jar = await zipOf(files);
    const { packages } = await read('app/thing.jar', jar);
    expect(packages).toMatchObject([
      {
        hashes: [`sha1:${hash('sha1', jar)}`, `sha256:${hash('sha256', jar)}`],
        supplier: 'The Apache Software Foundation',
        licences: ['https://www.apache.org/licenses/LICENSE-2.0.txt'],
      },
    ]);
    const shaded = await read('app/all.jar', await zipOf({ ...files, ...pomOf('org.acme', 'other', '2.0') }));
    expect(shaded.packages.map(({ hashes, supplier }) => hashes ?? supplier)).toEqual([undefined, undefined]);
  });

  it('proves each artifact in it, also in nested jars', async () => {
    const inner = await zipOf({ 'lib/log4j.jar': log4j, ...pomOf('org.inner', 'inner', '1.0') });
    const jar = await zipOf({
      ...pomOf('org.example', 'app', '1.0'),
      ...pomOf('com.shaded', 'shaded', '2.0'),
      'BOOT-INF/lib/inner.jar': inner,
      'BOOT-INF/classes/x.class': 'x',
    });
    expect(names(await read('app/app.jar', jar))).toEqual([
      'org.apache.logging.log4j:log4j-core 2.14.1 in BOOT-INF/lib/inner.jar!/lib/log4j.jar',
      'org.inner:inner 1.0 in BOOT-INF/lib/inner.jar',
      'org.example:app 1.0',
      'com.shaded:shaded 2.0',
    ]);
  });

  it.each([1000, 20_000, 50_000, 100_000])('of %i bytes is read as a compressed entry', async (bytes) => {
    const inner = await zipOf({ ...pomOf('org.inner', 'inner', '1.0'), 'a.bin': randomBytes(bytes) });
    const outer = await zipOf({ 'WEB-INF/lib/inner.jar': inner }, true);
    expect(await read('app.war', outer)).toMatchObject({
      packages: [{ name: 'org.inner:inner' }],
      gaps: [],
    });
  });

  it('after a script is read', async () => {
    const jar = Buffer.concat([Buffer.from('#!/bin/sh\nexec java -jar "$0"\n'), log4j]);
    expect(names(await read('app.jar', jar))).toEqual(['org.apache.logging.log4j:log4j-core 2.14.1']);
  });

  it.each([
    ['spring-core-5.3.1.jar', 'Implementation-Title: spring-core\n', 'org.springframework:spring-core 5.3.1'],
    [
      'commons-text-1.9.jar',
      'Bundle-SymbolicName: org.apache.commons.commons-text\n',
      'org.apache.commons:commons-text 1.9',
    ],
    [
      'guava.jar',
      'Implementation-Vendor-Id: com.google.guava\nBundle-Version: 31.1\n',
      'com.google.guava:guava 31.1',
    ],
    ['a-1.0-SNAPSHOT.war', 'Automatic-Module-Name: org.a\n', 'org.a:a 1.0-SNAPSHOT'],
  ])('%s without a pom is known by its name and manifest', async (file, manifest, expected) => {
    const jar = await zipOf({ 'META-INF/MANIFEST.MF': `Manifest-Version: 1.0\n${manifest}` });
    expect(names(await read(`lib/${file}`, jar))).toEqual([expected]);
  });

  it.each<[path: string, files: Readonly<Record<string, string>>, name: string, isAmong: string]>([
    ['lib/zookeeper-3.4.13.jar', {}, 'org.apache.zookeeper:zookeeper', 'org.apache.hadoop:zookeeper'],
    [
      'lib/commons-collections-3.2.1.jar',
      {},
      'commons-collections:commons-collections',
      'org.apache.commons:commons-collections',
    ],
    [
      'usr/local/java/commons-collections3-3.2.1.jar',
      {
        'META-INF/MANIFEST.MF': 'Implementation-Vendor-Id: org.apache\nExtension-Name: commons-collections\n',
      },
      'commons-collections:commons-collections3',
      'commons-collections:commons-collections',
    ],
    ['lib/netty-3.6.0.Final.jar', {}, 'io.netty:netty', 'org.jboss.netty:netty'],
    [
      'lib/netty-codec-http-4.1.48.Final.jar',
      {},
      'io.netty:netty-codec-http',
      'netty-codec-http:netty-codec-http',
    ],
    [
      'lib/hibernate-validator-5.3.6.Final.jar',
      { 'META-INF/MANIFEST.MF': 'Bundle-SymbolicName: org.hibernate.validator\n' },
      'org.hibernate.validator:hibernate-validator',
      'org.hibernate:hibernate-validator',
    ],
    [
      'lib/thing-1.0.jar',
      { 'org/acme/tools/thing/A.class': 'x', 'org/acme/tools/other/B.class': 'x' },
      'org.acme.tools:thing',
      'org.acme:thing',
    ],
    [
      'lib/spring3-aop-3.x.jar',
      {
        'org/aopalliance/intercept/A.class': 'x',
        'org/springframework/aop/A.class': 'x',
        'org/springframework/util/B.class': 'x',
      },
      'org.springframework:spring3-aop',
      'spring3-aop:spring3-aop',
    ],
  ])('%s has a guessed name and other possible names', async (path, files, name, isAmong) => {
    const { packages, gaps } = await read(path, await zipOf({ 'x.txt': 'x', ...files }));
    expect(gaps).toEqual([]);
    expect(packages).toEqual([expect.objectContaining({ name })]);
    expect(packages[0]?.otherNames).toContain(isAmong);
  });

  it.each([
    ['root/.m2/repository/org/acme/util/thing/1.0/thing-1.0.jar', 'org.acme.util:thing'],
    [
      'root/.gradle/caches/modules-2/files-2.1/org.acme/thing/1.0/0123456789abcdef0123456789abcdef01234567/thing-1.0.jar',
      'org.acme:thing',
    ],
  ])('%s is known by its path', async (path, name) => {
    const { packages, gaps } = await read(path, await zipOf({ 'a.class': 'x' }));
    expect([packages, gaps]).toEqual([
      [expect.objectContaining({ ecosystem: 'maven', name, version: '1.0' })],
      [],
    ]);
  });

  it.each([
    [
      '<project><version>2.1</version><dependencies><d><version>9</version></d></dependencies></project>',
      '2.1',
    ],
    ['<project><parent><version>3.1</version></parent></project>', '3.1'],
    [`<project><version>${'$'}{revision}</version></project>`, '1.0'],
  ])('with %s gets its version from it', async (text, version) => {
    const { packages } = await read(
      'lib/thing-1.0.jar',
      await zipOf({ 'META-INF/maven/org.acme/thing/pom.xml': text }),
    );
    expect(packages).toMatchObject([{ ecosystem: 'maven', name: 'org.acme:thing', version }]);
  });

  it('with a version but without a known group is a gap', async () => {
    const proof = await read('lib/who-knows-1.0.jar', await zipOf({ 'a.class': 'x' }));
    expect(proof.gaps).toEqual([expect.stringContaining('Maven group')]);
  });

  it('with a version and without code is not a gap: translations have no vulnerabilities', async () => {
    const files = { 'org/acme/LocalStrings_fr.properties': 'a=b' };
    expect(await read('lib/tomcat10-i18n-fr-10.1.60.jar', await zipOf(files))).toMatchObject({ gaps: [] });
  });

  it('of the user is not a package', async () => {
    const proof = await read('app/main.jar', await zipOf({ 'META-INF/MANIFEST.MF': 'Main-Class: Main\n' }));
    expect(proof).toEqual({ packages: [], gaps: [] });
  });

  it('that lies about a length, or holds too many others, is a gap', async () => {
    let nested = log4j;
    for (let depth = 0; depth < 6; depth++) nested = await zipOf({ 'n.jar': nested });
    expect((await read('x.jar', nested)).gaps).toEqual([
      expect.stringContaining('is inside 4 other archives'),
    ]);
    const jar = await zipOf({ 'inner.jar': Buffer.concat([log4j.subarray(0, 50), Buffer.alloc(100)]) });
    expect((await read('x.jar', jar)).gaps).toHaveLength(1);
  });

  it('with a bomb for a pom is a gap', async () => {
    const jar = await zipOf({ 'META-INF/maven/a/b/pom.properties': ' '.repeat(30_000_000) });
    expect((await read('x.jar', jar)).gaps).toEqual([expect.stringContaining('too long')]);
  });

  it('that is not a zip is a gap', async () => {
    expect((await read('x.jar', 'hello')).gaps).toHaveLength(1);
  });

  it('never hangs, however it is damaged', async () => {
    const jar = await zipOf({ ...pomOf('a', 'b', '1'), 'n.jar': log4j });
    const damage = fc.record({ at: fc.nat({ max: jar.length - 1 }), to: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 10 }), async (damages) => {
        const copy = Buffer.from(jar);
        for (const { at, to } of damages) copy[at] = to;
        expect((await read('x.jar', copy)).packages.length).toBeLessThan(5);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the texts in a jar', () => {
  it('have lines of keys and values', () => {
    expect(Object.fromEntries(propertiesOf('#x\n a = b \nc:d\n\nno line\n'))).toEqual({ a: 'b', c: 'd' });
  });

  it('have headers that continue after a blank, up to an empty line', () => {
    const text = 'A: long\r\n er\r\nB: 2\r\n\r\nName: x\r\nA: other\r\n';
    expect(Object.fromEntries(manifestOf(text))).toEqual({ A: 'longer', B: '2' });
  });
});
