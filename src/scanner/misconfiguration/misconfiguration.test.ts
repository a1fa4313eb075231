import { expect, test } from 'vitest';
import { readRulesFiles } from '../rules/rules-files.ts';
import { scannedFile } from '../scanned-file.fixture.ts';
import type { ScannedConfig, ScannedFile } from '../types.ts';
import { createFileFactInspector, extraRootUsers, usersWithoutPassword } from './file-facts.ts';
import { createImageFactInspector } from './image-facts.ts';
import { loadMisconfigurationRules } from './rules.ts';

const rules = loadMisconfigurationRules(readRulesFiles().misconfiguration);
const files = createFileFactInspector(rules);
const image = createImageFactInspector(rules);

const sound: ScannedConfig = {
  env: ['PATH=/usr/local/bin:/usr/bin'],
  entrypoint: ['/app'],
  cmd: [],
  user: '1000',
  exposedPorts: ['8080/tcp'],
  labels: {
    'org.opencontainers.image.source': 'https://git.corp.io/app',
    'org.opencontainers.image.revision': '1234',
  },
  healthcheck: true,
  history: [{ createdBy: 'COPY . . # buildkit', emptyLayer: false }],
};

async function idsOfFile(
  path: string,
  content = '',
  facts: Partial<ScannedFile> = {},
): Promise<readonly string[]> {
  return (await files.inspect(scannedFile(path, content, facts))).map(({ id }) => id);
}

function idsOfImage(config: Partial<ScannedConfig>): readonly string[] {
  return image.inspect({ ...sound, ...config }).map(({ id }) => id);
}

const capability = new Map([['security.capability', Buffer.alloc(20)]]);

const wrongFiles: readonly (readonly [
  id: string,
  path: string,
  content: string,
  facts: Partial<ScannedFile>,
])[] = [
  ['setuid-file', 'usr/bin/nmap', '', { mode: 0o4755 }],
  ['setuid-file', 'opt/x', '', { mode: 0o2755 }],
  ['file-capabilities', 'usr/bin/node', '', { mode: 0o755, xattrs: capability }],
  ['executable-in-temporary-folder', 'tmp/a/b', '', { mode: 0o755 }],
  ['writable-program', 'usr/local/bin/x', '', { mode: 0o777 }],
  ['shell-in-image', 'usr/bin/dash', '', { mode: 0o755 }],
  ['package-manager-in-image', 'usr/bin/apt-get', '', { mode: 0o755 }],
  ['sudo-in-image', 'usr/bin/doas', '', { mode: 0o755 }],
  ['sudo-without-password', 'etc/sudoers.d/app', 'app ALL=(ALL) NOPASSWD: ALL\n', {}],
  ['ssh-server-in-image', 'usr/sbin/sshd', '', { mode: 0o755 }],
  ['ssh-lets-root-in', 'etc/ssh/sshd_config', '# a\nPort 22\n  PermitRootLogin yes\n', {}],
  ['version-control-in-image', 'app/.git/config', '[core]', {}],
  ['extra-root-user', 'etc/passwd', 'root:x:0:0::/root:/bin/sh\nmysql:x:0:0::/:/bin/sh\n', {}],
  ['empty-password', 'etc/shadow', 'root:*:1::::::\nguest::1::::::\n', {}],
];

test.each(wrongFiles)('%s: %s %s', async (id, path, content, facts) => {
  expect(await idsOfFile(path, content, facts)).toEqual([id]);
});

test.each<[path: string, content: string, facts: Partial<ScannedFile>]>([
  ['usr/bin/passwd', '', { mode: 0o4755 }],
  ['bin/mount', '', { mode: 0o4755 }],
  ['usr/bin/ping', '', { mode: 0o755, xattrs: capability }],
  ['tmp/notes.txt', '', { mode: 0o644 }],
  ['usr/bin/node', '', { mode: 0o755 }],
  ['usr/share/bash/bash', '', { mode: 0o644 }],
  ['etc/sudoers', '# app ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n', {}],
  ['etc/ssh/sshd_config', '#PermitRootLogin yes\nPermitRootLogin no\n', {}],
  ['etc/passwd', 'root:x:0:0::/root:/bin/sh\nnode:x:1000:1000::/:/bin/sh\n', {}],
  ['etc/shadow', 'root:*:1::::::\nnode:!:1::::::\n', {}],
  ['home/etc/passwd', 'mysql:x:0:0::/:/bin/sh\n', {}],
])('nothing is wrong with %s %s', async (path, content, facts) => {
  expect(await idsOfFile(path, content, facts)).toEqual([]);
});

test('folders', () => {
  const folder = (path: string, mode: number) =>
    (files.inspectFolder?.({ path, mode, uid: 0, gid: 0 }) ?? []).map(({ id }) => id);
  expect(folder('usr/local/bin', 0o777)).toEqual(['writable-path-folder']);
  expect(folder('usr/local/bin', 0o755)).toEqual([]);
  expect(folder('tmp', 0o1777)).toEqual([]);
});

const wrongImages: readonly (readonly [id: string, config: Partial<ScannedConfig>])[] = [
  ['runs-as-root', { user: '' }],
  ['runs-as-root', { user: 'root' }],
  ['runs-as-root', { user: '0:1000' }],
  ['secret-in-variable', { env: ['DB_PASSWORD=hunter2hunter2'] }],
  ['secret-in-variable', { env: ['STRIPE_API_KEY=abc\n'] }],
  ['preload-variable', { env: ['LD_PRELOAD=/usr/lib/libjemalloc.so.2'] }],
  ['certificates-not-checked', { env: ['NODE_TLS_REJECT_UNAUTHORIZED=0'] }],
  ['relative-path-variable', { env: ['PATH=/usr/bin:.'] }],
  ['relative-path-variable', { env: ['PATH=bin:/usr/bin'] }],
  ['ssh-port-exposed', { exposedPorts: ['22/tcp'] }],
  ['added-from-url', { history: said('/bin/sh -c #(nop) ADD https://h.test/x.tgz in /opt') }],
  ['added-from-url', { history: said('ADD --chown=1:1 https://h.test/x.tgz /opt # buildkit') }],
  ['piped-download', { history: said('RUN /bin/sh -c curl -fsSL https://h.test/setup | bash - # buildkit') }],
  ['piped-download', { cmd: ['sh', '-c', 'wget -qO- http://h.test/x | sh'] }],
  ['unchecked-download', { history: said('RUN curl -k https://h.test/x -o /x') }],
  ['unchecked-download', { history: said('RUN apt-get install -y --allow-unauthenticated x') }],
  ['everybody-may-write', { history: said('RUN chmod -R 777 /app') }],
  ['unpinned-base', { labels: { ...sound.labels, 'org.opencontainers.image.base.name': 'debian:latest' } }],
  ['no-health-check', { healthcheck: false }],
  ['missing-labels', { labels: {} }],
];

function said(createdBy: string): ScannedConfig['history'] {
  return [{ createdBy, emptyLayer: false }];
}

test.each(wrongImages)('%s: %j', (id, config) => {
  expect(idsOfImage(config)).toEqual([id]);
});

test.each<Partial<ScannedConfig>>([
  {},
  { user: 'node' },
  { user: '10' },
  {
    env: [
      'PASSWORD_FILE=/run/secrets/db',
      'DB_PASSWORD=',
      'API_TOKEN=/run/secrets/token',
      'GPG_KEY=A035C8C1',
    ],
  },
  { env: ['LD_PRELOAD='] },
  { history: said('RUN curl -fsSL https://h.test/x.tgz -o x.tgz && echo "abc  x.tgz" | sha256sum -c') },
  { history: said('ADD --checksum=sha256:24454f https://h.test/x.tgz /opt') },
  { history: said('ADD file:1234 in /') },
  { history: said('RUN chmod 755 /app') },
  {
    labels: {
      ...sound.labels,
      'org.opencontainers.image.base.name': 'debian:13',
      'org.opencontainers.image.base.digest': 'sha256:12',
    },
  },
])('nothing is wrong with %j', (config) => {
  expect(idsOfImage(config)).toEqual([]);
});

test('every rule is tested, and has advice', () => {
  const tried = new Set([...wrongFiles, ...wrongImages].map(([id]) => id)).add('writable-path-folder');
  expect(tried).toEqual(new Set(rules.rules.map(({ text }) => text.id)));
  for (const { text } of rules.rules) expect([text.id, text.advice.endsWith('.')]).toEqual([text.id, true]);
});

test('the place in the configuration', () => {
  const found = image.inspect({
    ...sound,
    env: ['A=1', 'B_TOKEN=abcdef'],
    user: '',
    history: [...sound.history, ...said('RUN curl h | sh')],
  });
  expect(found.map(({ places }) => places[0]?.path)).toEqual([
    'image-config:user',
    'image-config:env/B_TOKEN',
    'image-config:history/2',
  ]);
});

test('a configuration that is too long is refused', () => {
  const env = Array.from({ length: 60_000 }, (_, at) => `VARIABLE_${at}=abc1`);
  expect(() => image.inspect({ ...sound, env })).toThrow(
    expect.objectContaining({ code: 'SCAN_TOO_COSTLY' }),
  );
  const few = env.slice(0, 10_000).map((line) => line.replace('=', '_TOKEN='));
  expect(image.inspect({ ...sound, env: few })).toHaveLength(50);
});

test('users', () => {
  const passwd =
    'root:x:0:0::/:/bin/sh\n#toor:x:0:0\ntoor:x:00:0::/:/bin/sh\n\nno colons\nnobody:x:65534:::\n';
  expect(extraRootUsers(passwd)).toEqual(['toor']);
  expect(usersWithoutPassword('a::1\nb:*:1\nc:x\n:\n')).toEqual(['a']);
});

test.each([
  ['check: no-such', 'check'],
  ['file: { anyMode: "9" }', 'octal'],
  ['file: { anyMode: "0111" }\n    check: no-health-check', 'a rule has one of'],
  ['history: "(?=x)"', 'the rule a: a regular expression has'],
  ['file: { paths: [$none] }', 'there is no list of paths $none'],
])('a rule with %s is refused', (rest, message) => {
  const text = `about: x
pathLists: {}
rules:
  - id: a
    title: abc
    severity: low
    why: for a test.
    advice: none is needed.
    ${rest}`;
  expect(() => loadMisconfigurationRules({ name: 'own.yaml', text })).toThrow(
    expect.objectContaining({ code: 'RULES_INVALID' }),
  );
  expect(() => loadMisconfigurationRules({ name: 'own.yaml', text })).toThrow(message);
});
