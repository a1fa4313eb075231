import { describe, expect, it } from 'vitest';
import { mergeLayers } from '../layers/merge.ts';
import { analysisOf, filesTar, proofOf, tarOf } from '../scanner.fixture.ts';
import { debCopyrightCataloger } from './deb-copyright.ts';

const path = 'usr/share/doc/bash/copyright';

async function licencesIn(text: string): Promise<readonly string[] | undefined> {
  return (await proofOf(debCopyrightCataloger, path, text))?.copyright?.licences;
}

describe('a copyright file of Debian', () => {
  it('in machine-readable form names each licence once', async () => {
    const text = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: bash

Files: *
Copyright: 1987 FSF
License: GPL-3+

Files: debian/*
license: GPL-3+ or Expat
 Whole text
 License: no field

License: GPL-3+
 On Debian systems, see /usr/share/common-licenses/GPL-3.

License: Permission to use, copy, modify, and distribute this software for any purpose
`;
    expect(await licencesIn(text)).toEqual(['GPL-3+', 'GPL-3+ or Expat', `see ${path}`]);
  });

  it('in free form names the texts that it refers to, but no version of the GPL', async () => {
    const text =
      "It was packaged.\nLicense: see below\nsee /usr/share/common-licenses/Apache-2.0, or `/usr/share/common-licenses/GPL-2'.";
    expect(await licencesIn(text)).toEqual(['Apache-2.0', 'common-licenses/GPL-2']);
    expect(await licencesIn('Permission is granted.')).toEqual([`see ${path}`]);
    expect(await licencesIn(' ')).toBeUndefined();
  });

  it('with more than the limit says where the rest is', async () => {
    const lines = Array.from({ length: 200 }, (_, at) => `License: own-${at}`);
    const licences = await licencesIn(['Format: 1.0', ...lines].join('\n'));
    expect(licences).toHaveLength(101);
    expect(licences?.at(-1)).toBe(`see ${path}`);
  });

  it('belongs to no other package', async () => {
    expect(await proofOf(debCopyrightCataloger, 'usr/share/doc/bash/x/copyright', '')).toBeUndefined();
  });
});

it('a package has the licences of its file, also behind a link, until a later layer deletes it', async () => {
  const names = ['bash', 'linked', 'linked-file', 'other'];
  const tar = await tarOf([
    { name: 'etc/os-release', content: 'ID=debian\nVERSION_ID="13"\n' },
    {
      name: 'var/lib/dpkg/status',
      content: names.map((name) => `Package: ${name}\nVersion: 1\n\n`).join(''),
    },
    { name: path, content: 'Format: 1.0\n\nLicense: GPL-3+\n' },
    { name: 'usr/share/doc/linked', type: 'symlink', linkname: 'bash' },
    { name: 'usr/share/doc/linked-file/copyright', type: 'symlink', linkname: '../bash/copyright' },
    { name: 'usr/share/doc/other', type: 'symlink', linkname: '../../../etc' },
  ]);
  const stack = [{ analysis: await analysisOf(tar), createdBy: undefined }];
  const licences = (of: typeof stack) =>
    mergeLayers(of).inventory.components.map((component) => component.licences?.join());
  expect(licences(stack)).toEqual(['GPL-3+', 'GPL-3+', 'GPL-3+', undefined]);
  const deleting = await analysisOf(await filesTar({ 'usr/share/doc/bash/.wh.copyright': '' }));
  expect(licences([...stack, { analysis: deleting, createdBy: undefined }])).toEqual(
    names.map(() => undefined),
  );
});
