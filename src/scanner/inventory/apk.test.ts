import { describe, expect, it } from 'vitest';
import { proofOf } from '../scanner.fixture.ts';
import { apkCataloger } from './apk.ts';

const installed = `C:Q1pUqUFVBLp9+HDAXz6GNhSgRxhGE=
P:musl-utils
V:1.2.5-r9
A:x86_64
S:36697
T:the musl c library (libc) implementation
o:musl
m:Timo
L:MIT AND BSD-2-Clause
D:scanelf /bin/sh so:libc.musl-x86_64.so.1>=1 !uclibc-utils
p:cmd:iconv=1.2.5-r9
F:sbin
R:ldconfig
a:0:0:755
Z:Q1Kja2+POZKxEkUOZqwSjC6kmaED4=
F:usr
F:usr/bin
R:iconv
R:ldd

P:busybox
V:1.37.0-r12
A:x86_64
D:cmd:iconv
p:/bin/sh cmd:sh=1.37 so:libc.musl-x86_64.so.1=1
`;

describe('the database of apk', () => {
  it.each(['lib/apk/db/installed', 'usr/lib/apk/db/installed'])(
    'at %s states packages, origins and files',
    async (path) => {
      const proof = await proofOf(apkCataloger, path, installed);
      expect(proof).toEqual({
        packages: [
          {
            ecosystem: 'apk',
            name: 'musl-utils',
            version: '1.2.5-r9',
            source: { name: 'musl', version: '1.2.5-r9' },
            architecture: 'x86_64',
            licences: ['MIT AND BSD-2-Clause'],
            supplier: 'Timo',
            hashes: ['sha1:a54a9415504ba7df870c05f3e863614a04718461'],
            needs: ['busybox'],
            needsMore: true,
          },
          {
            ecosystem: 'apk',
            name: 'busybox',
            version: '1.37.0-r12',
            source: { name: 'busybox', version: '1.37.0-r12' },
            architecture: 'x86_64',
            needs: ['musl-utils'],
          },
        ],
        owns: [
          {
            by: 'musl-utils',
            paths: ['sbin/ldconfig', 'usr/bin/iconv', 'usr/bin/ldd'],
            digests: ['2a36b6f8f3992b112450e66ac128c2ea499a103e', '', ''],
          },
        ],
        gaps: [],
      });
    },
  );

  it.each(['P:musl\n', 'V:1\n', 'hello\n'])('that is damaged is a gap: %j', async (text) => {
    expect((await proofOf(apkCataloger, 'lib/apk/db/installed', text))?.gaps).toHaveLength(1);
  });
});
