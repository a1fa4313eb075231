/** Scans of what is not an image: function code, and folders. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './scanner.fixture.ts';
import { idsOf, layFiles, scannerWith, zipOf } from './scans.fixture.ts';
import type { Report } from './types.ts';

describe('function code', () => {
  const options = { name: 'x', kind: 'python:3.13' };

  it('that is a zip behind something else is scanned as both', async () => {
    await using scanner = scannerWith();
    const zip = await zipOf({ '__main__.py': 'PASSWORD = "hunter2"' });
    const code = Buffer.concat([Buffer.from('#!/usr/bin/env python3\n# hunter2\n'), zip]);
    const { findings } = await scanner.scanCode(code, options);
    expect(findings.flatMap(({ places }) => places.map(({ path }) => path))).toEqual([
      '__main__.py!/__main__.py',
    ]);
  });

  it('that only contains the magic of a zip’s end is a text', async () => {
    await using scanner = scannerWith();
    const { findings, inventory } = await scanner.scanCode(
      Buffer.from('s = "PK\x05\x06" # hunter2'),
      options,
    );
    expect([idsOf({ findings } as Report), inventory.gaps]).toEqual([['password'], []]);
  });

  it('of Java lists the artifacts in its jar', async () => {
    await using scanner = scannerWith();
    const pom = 'groupId=org.a\nartifactId=b\nversion=1.0\n';
    const inner = await zipOf({ 'META-INF/maven/org.a/b/pom.properties': pom });
    const jar = await zipOf({
      'META-INF/MANIFEST.MF': 'Main-Class: Main\n',
      'META-INF/maven/org.a/c/pom.properties': pom.replace('=b', '=c'),
      'lib/b.jar': inner,
    });
    const { inventory } = await scanner.scanCode(jar, { name: 'x', kind: 'java:21' });
    expect(inventory.components.map(({ name, places }) => [name, places.map(({ path }) => path)])).toEqual([
      ['org.a:b', ['lib/b.jar']],
      ['org.a:c', ['code.jar']],
    ]);
  });

  it.each([
    ['leads out', { '../evil': 'x' }],
    ['is absolute', { '/evil': 'x' }],
  ])('whose entry %s is refused', async (_what, files) => {
    await using scanner = scannerWith();
    const [name = ''] = Object.keys(files);
    const zip = await zipOf({ [name.replace(/^\.\.|^\//, 'xx').slice(0, name.length)]: 'x' });
    const [from, to] = [
      Buffer.from(name.replace(/^\.\.|^\//, 'xx').slice(0, name.length)),
      Buffer.from(name),
    ];
    for (let at = zip.indexOf(from); at >= 0; at = zip.indexOf(from)) to.copy(zip, at);
    await expect(scanner.scanCode(zip, options)).rejects.toMatchObject({ code: 'ARCHIVE_UNSAFE' });
  });

  it('that can be read as two different zips is a gap', async () => {
    await using scanner = scannerWith();
    const once = await zipOf({ 'index.js': 'a' });
    // The second is found from the end; offsets that count from its own start lead to the first as well.
    const { inventory } = await scanner.scanCode(Buffer.concat([once, once]), options);
    expect(inventory.gaps).toEqual([
      { path: '', reason: "the zip can't be read: it can be read as two different zips" },
    ]);
  });

  it('that is a bomb, or an incomplete zip, is refused', async () => {
    await using scanner = scannerWith();
    const bomb = await zipOf({ bomb: Buffer.alloc(20_000_000) });
    await expect(scanner.scanCode(bomb, options)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
    await expect(scanner.scanCode(bomb.subarray(0, 500), options)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
  });
});

describe('a folder', () => {
  it('with a broken package is a gap', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith();
    await layFiles(folder.path, { 'node_modules/a/package.json': '{', 'requirements.txt': 'lodash==1.0\n' });
    const { inventory } = await scanner.scanFolder(folder.path, 'x');
    expect(inventory.gaps).toEqual([{ path: 'node_modules/a/package.json', reason: 'npm: it is not JSON' }]);
    expect(inventory.components.map(({ purl }) => purl)).toEqual(['pkg:pypi/lodash@1.0']);
  });

  it('with a package database behind a link is a gap', async () => {
    await using folder = await temporaryFolder();
    await using scanner = scannerWith();
    await layFiles(folder.path, {
      'etc/os-release': 'ID=debian\n',
      'opt/dpkg/status': 'Package: a\nVersion: 1\n',
    });
    await mkdir(join(folder.path, 'var/lib'), { recursive: true });
    await symlink('/opt/dpkg', join(folder.path, 'var/lib/dpkg'));
    const { inventory } = await scanner.scanFolder(folder.path, 'x');
    expect(inventory.gaps.map(({ path }) => path)).toEqual(['var/lib/dpkg', '']);
  });
});
