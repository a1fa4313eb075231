/** The files that packages of a distribution may claim. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { mergeLayers } from '../layers/merge.ts';
import { analysisOf, type TarEntry, tarOf } from '../scanner.fixture.ts';

const requests = 'usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA';
const lodash = 'usr/lib/node_modules/lodash/package.json';

function metadata(version: string, name = 'requests'): TarEntry {
  return { name: requests, content: `Name: ${name}\nVersion: ${version}\n` };
}

function digestOf(algorithm: string, { content = '' }: TarEntry, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash(algorithm).update(content).digest(encoding);
}

function debian(...packages: readonly string[]): TarEntry[] {
  const stanzas = packages.map((each) => {
    const [name, version] = each.split(' ');
    return `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`;
  });
  return [
    { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\n' },
    { name: 'var/lib/dpkg/status', content: stanzas.join('\n') },
  ];
}

function info(name: string, content: string): TarEntry {
  return { name: `var/lib/dpkg/info/${name}`, content };
}

/** The components of languages. */
async function languages(...entries: readonly TarEntry[]): Promise<string[]> {
  const analysis = await analysisOf(await tarOf(entries));
  const { inventory } = mergeLayers([{ analysis, createdBy: undefined }]);
  return inventory.components
    .filter(({ ecosystem }) => ecosystem === 'pypi' || ecosystem === 'npm')
    .map(({ name, version }) => `${name} ${version}`);
}

describe('a file that dpkg’s list claims', () => {
  const list = info('python3-requests.list', `/${requests}\n`);
  const own = debian('python3-requests 2.31.0+dfsg-1');

  it('belongs to the distribution if it has the digest in its package', async () => {
    const file = metadata('2.31.0.post9', 'other');
    const sums = info('python3-requests.md5sums', `${digestOf('md5', file)}  ${requests}\n`);
    expect(await languages(...own, list, sums, file)).toEqual([]);
    // The list may be missing.
    expect(await languages(...own, sums, file)).toEqual([]);
  });

  it('does not if its digest differs, whatever name it states', async () => {
    const sums = info('python3-requests.md5sums', `${digestOf('md5', metadata('2.31.0'))}  ${requests}\n`);
    expect(await languages(...own, list, sums, metadata('2.19.0'))).toEqual(['requests 2.19.0']);
  });

  it('belongs to the distribution if it proves its package by name and version', async () => {
    expect(await languages(...own, list, metadata('2.31.0'))).toEqual([]);
    expect(await languages(...own, list, metadata('2.30.0'))).toEqual(['requests 2.30.0']);
    expect(await languages(...own, list, metadata('2.31.0', 'urllib3'))).toEqual(['urllib3 2.31.0']);
  });

  it('does not if a forged list claims it', async () => {
    const file = { name: lodash, content: '{"name":"lodash","version":"4.17.4"}' };
    const made = info('base-files.list', `/${lodash}\n`);
    expect(await languages(...debian('base-files 13.8'), made, file)).toEqual(['lodash 4.17.4']);
  });

  it('does not if the claiming package is not installed, even with its digest', async () => {
    const file = { name: lodash, content: '{"name":"lodash","version":"4.17.4"}' };
    const sums = info('phantom.md5sums', `${digestOf('md5', file)}  ${lodash}\n`);
    expect(await languages(...debian('base-files 13.8'), sums, file)).toEqual(['lodash 4.17.4']);
  });
});

it('a distroless image has its digests beside each package', async () => {
  const file = metadata('2.31.0');
  const sums = `${digestOf('md5', file)}  ${requests}\n`;
  const single = 'var/lib/dpkg/status.d/abc';
  const entries: TarEntry[] = [
    { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\n' },
    { name: single, content: 'Package: python3-requests\nVersion: 2.31.0-1\n' },
    file,
  ];
  expect(await languages(...entries, { name: `${single}.md5sums`, content: sums })).toEqual([]);
  const other = sums.replace(/^../, 'zz');
  expect(await languages(...entries, { name: `${single}.md5sums`, content: other })).toEqual([
    'requests 2.31.0',
  ]);
});

it('apk’s database has digests of its own', async () => {
  const file = metadata('2.31.0');
  const database = (version: string, digest: string): TarEntry => ({
    name: 'lib/apk/db/installed',
    content: `P:py3-requests\nV:${version}\nF:${requests.slice(0, requests.lastIndexOf('/'))}\nR:METADATA\n${digest}`,
  });
  const release: TarEntry = { name: 'etc/os-release', content: 'ID=alpine\nVERSION_ID=3.20.1\n' };
  const good = `Z:Q1${digestOf('sha1', file, 'base64')}\n`;
  const bad = `Z:Q1${digestOf('sha1', metadata('2.30.0'), 'base64')}\n`;
  expect(await languages(release, database('1-r0', good), file)).toEqual([]);
  expect(await languages(release, database('2.31.0-r0', bad), file)).toEqual(['requests 2.31.0']);
  expect(await languages(release, database('2.31.0-r0', ''), file)).toEqual([]);
  expect(await languages(release, database('2.30.0-r0', ''), file)).toEqual(['requests 2.31.0']);
});
