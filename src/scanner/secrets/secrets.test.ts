import { expect, test } from 'vitest';
import { createContentInspector } from '../patterns/content-inspector.ts';
import { createMatcher, reach } from '../patterns/matcher.ts';
import { compile } from '../patterns/program.ts';
import { randomFrom, sampleOf } from '../patterns/sample.fixture.ts';
import { readRulesFiles } from '../rules/rules-files.ts';
import { scannedFile } from '../scanned-file.fixture.ts';
import type { Finding, ScannedConfig, Secret } from '../types.ts';
import { loadSecretRules } from './rules.ts';
import { createSecretConfigInspector, createSecretLooker, redact } from './secrets.ts';

const rules = loadSecretRules(readRulesFiles().secrets);
const inspector = createContentInspector([createSecretLooker(rules)]);
const ids = rules.rules.map(({ id }) => id);

async function secretsIn(path: string, content: string | Buffer): Promise<readonly Secret[]> {
  const findings: readonly Finding[] = await inspector.inspect(scannedFile(path, content));
  return findings.filter((finding) => finding.class === 'secret');
}

/** A made-up secret for a rule. It is not in use, and in no file. */
function madeUp(id: string, seed: number): string {
  const rule = rules.rules.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return sampleOf(rule.pattern, randomFrom(seed));
}

/** A path to which the rule applies. */
function pathFor(id: string): string {
  const [glob = 'app/main.js'] = rules.texts.find((rule) => rule.id === id)?.paths ?? [];
  return glob === '$settings' ? 'app/.env' : glob.replace('**/', 'app/').replaceAll('*', 'x');
}

test('there are enough rules', () => {
  expect(ids.length).toBeGreaterThan(35);
  expect(rules.texts.every(({ why }) => why.endsWith('.'))).toBe(true);
});

test.each(ids)('%s: made-up secrets are found, and not shown', async (id) => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed * 7919 + 1);
  let found = 0;
  for (const seed of seeds) {
    const text = `line one\n${madeUp(id, seed)}\n`;
    for (const secret of await secretsIn(pathFor(id), text)) {
      if (secret.id === id) found++;
      expect(secret.redacted).toMatch(/^[!-~]{0,4}\*\*\*[!-~]{0,2}$/);
      expect(secret.places).toEqual([{ path: pathFor(id) }]);
    }
  }
  // A few happen to look like placeholders.
  expect(found).toBeGreaterThanOrEqual(17);
});

test.each(rules.rules)('$id takes time in proportion to the input', ({ pattern }) => {
  const matcher = createMatcher(compile(pattern));
  const stepsOf = (text: string): number => {
    let steps = 0;
    matcher.match(Buffer.from(text, 'latin1'), { earliest: 0, latest: text.length }, (count) => {
      steps += count;
    });
    return steps;
  };
  for (const seed of [1, 2, 3]) {
    const sample = sampleOf(pattern, randomFrom(seed));
    // Beginnings without an end make backtracking matchers explode.
    for (const unit of [sample.slice(0, -1), sample.slice(0, sample.length / 2), 'a', ' ', '"', 'A1']) {
      const some = unit.repeat(Math.ceil(reach / 4 / unit.length));
      expect(stepsOf(some.repeat(4))).toBeLessThan(stepsOf(some) * 5 + 10_000);
    }
  }
});

test('the place of a secret, and its redacted text', async () => {
  const token = madeUp('github-token', 5).slice(0, 40);
  const [secret, ...others] = await secretsIn('app/x.js', `one\r\ntwo\n  const t = "${token}";\n`);
  expect(others).toEqual([]);
  expect(secret).toEqual({
    class: 'secret',
    id: 'github-token',
    title: 'GitHub token',
    severity: 'critical',
    places: [{ path: 'app/x.js' }],
    redacted: `${token.slice(0, 4)}***${token.slice(-2)}`,
    line: 3,
  });
});

test.each([
  ['short', '***'],
  ['a'.repeat(19), '***'],
  [`ab${'x'.repeat(18)}z`, 'ab***z'],
  [`abcd${'x'.repeat(40)}yz`, 'abcd***yz'],
  [`\n\x1b[3${'x'.repeat(40)}\0z`, '??[3***?z'],
])('%j is shown as %s', (secret, shown) => {
  expect(redact(secret)).toBe(shown);
});

const value = madeUp('github-token', 9).slice(4, 40);
const password = madeUp('github-token', 11).slice(10, 22);

test.each([
  ['app/.env', `API_TOKEN=${value}`, 'setting-secret'],
  ['app/config.yaml', `db:\n  password: "${password}"`, 'setting-secret'],
  ['app/main.py', `API_KEY = '${value}'`, 'quoted-secret'],
  ['app/main.js', `const config = { "clientSecret": "${value}" }`, 'quoted-secret'],
  ['app/db.js', `connect("postgres://app:${password}@db.internal:5432/app")`, 'database-url'],
  ['app/x.sh', `curl https://ci:${password}@git.corp.io/x`, 'url-password'],
  ['root/.netrc', `machine h.test login me password ${password}`, 'netrc-password'],
  ['etc/shadow', `root:$6$saltsalt$${value}${value}:19000:0:99999:7:::`, 'password-hash'],
  ['root/.npmrc', `//registry.corp.io/:_authToken=${value}`, 'npmrc-credentials'],
])('%s with %s has a %s', async (path, content, id) => {
  expect((await secretsIn(path, content)).map((secret) => secret.id)).toEqual([id]);
});

test.each([
  ['app/.env', 'API_TOKEN=changeme_please'],
  ['app/.env', 'API_TOKEN=xxxxxxxxxxxxxxxxxxxx'],
  ['app/.env', `API_TOKEN=\${VAULT_TOKEN_VALUE}`],
  ['app/.env', 'API_TOKEN=<insert token here>'],
  ['app/.env', 'API_TOKEN={{ vault.token.value }}'],
  ['app/.env', 'API_TOKEN=$OTHER_VARIABLE'],
  ['app/.env', 'API_TOKEN=abcdefghijklmnop'],
  ['app/.env', 'API_TOKEN=12345678901234'],
  ['app/.env', 'API_TOKEN=********'],
  ['app/.env', 'SECRET_FILE=/run/secrets/key'],
  ['app/.env', 'PASSWORD=your-password-here'],
  ['app/main.js', 'const token = process.env.TOKEN'],
  ['app/main.js', "const token = 'the_name_of_the_cookie'"],
  ['app/main.js', 'password: "correct horse battery"'],
  ['app/main.js', `const id = "AKIA${'IOSFODNN7EXAMPLE'}"`],
  ['app/main.js', 'mysql://user:password@localhost/db'],
  ['app/main.js', `postgres://\${user}:\${password}@\${host}/db`],
  ['root/.rbenv/lib/uri/generic.rb', '# uri = URI.parse("http://john:S3nsit1ve@my.example.com")'],
  ['app/main.js', 'postgres://john:S3nsit1ve@db.invalid:5432/db'],
  ['usr/local/go/src/net/url/url_test.go', 'https://sam:V3ryS3nsit1ve@go.dev/x'],
  ['app/main.js', '-----BEGIN PRIVATE KEY-----\n'],
  ['app/main.js', '/* PEM:\n-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj...\n*/'],
  ['app/main.js', `// such as\n-----BEGIN RSA PRIVATE KEY-----\n${value}${value}${value}\n`],
  ['app/main.js', `"${value}/cio${value.slice(0, 32)}+${value}"`],
  ['app/blob.txt', `${value}\ncio${value.slice(0, 32)}=\n`],
  ['app/main.js', "if (text.startsWith('-----BEGIN RSA PRIVATE KEY-----')) return"],
  ['app/main.js', '-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1234'],
  ['etc/shadow', 'root:*:19000:0:99999:7:::\ndaemon:!:19000::::::'],
  ['root/.npmrc', `//registry.corp.io/:_authToken=\${NPM_TOKEN}`],
  [
    'app/.env',
    `API_TOKEN=23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP`,
  ],
])('%s with %s has no secret', async (path, content) => {
  expect(await secretsIn(path, content)).toEqual([]);
});

test('keys with a passphrase weigh less than those without', async () => {
  const base64 = `MII${value.repeat(4)}`;
  const pem = (label: string, head = '') =>
    `-----BEGIN ${label}-----\n${head}${base64}\n-----END ${label}-----\n`;
  const severityOf = async (text: string) =>
    (await secretsIn('app/key', text)).map(({ id, severity }) => [id, severity]);
  expect(await severityOf(pem('RSA PRIVATE KEY'))).toEqual([['private-key', 'high']]);
  expect(await severityOf(pem('PRIVATE KEY').replaceAll('\n', '\\n'))).toEqual([['private-key', 'high']]);
  expect(await severityOf(pem('ENCRYPTED PRIVATE KEY'))).toEqual([['encrypted-private-key', 'low']]);
  expect(await severityOf(pem('EC PRIVATE KEY', 'Proc-Type: 4,ENCRYPTED\n'))).toEqual([
    ['encrypted-private-key', 'low'],
  ]);
});

test('a URL of a host that can exist has a secret', async () => {
  for (const host of ['my.example.com.attacker.io', 'example.co', 'contest'])
    expect(await secretsIn('app/main.js', `"https://john:S3nsit1ve@${host}.io/"`)).toHaveLength(1);
});

test('the more precise rule wins', async () => {
  const token = madeUp('stripe-secret-key', 3);
  const found = await secretsIn('app/.env', `STRIPE_SECRET_KEY=${token}`);
  expect(found.map(({ id }) => id)).toEqual(['stripe-secret-key']);
});

test('programs, documents and published packages have no secrets', async () => {
  const token = madeUp('github-token', 5);
  const generic = `const apiToken = "${value}";`;
  expect(await secretsIn('usr/bin/x', Buffer.from(`\x7fELF\0\0${token}`))).toEqual([]);
  expect(await secretsIn('usr/share/doc/git/README', token)).toEqual([]);
  expect(await secretsIn('app/node_modules/a/test/b.js', token)).toEqual([]);
  expect(await secretsIn('app/node_modules/a/index.js', generic)).toEqual([]);
  expect(await secretsIn('app/node_modules/a/index.js', token)).toHaveLength(1);
  expect(await secretsIn('app/src/index.js', generic)).toHaveLength(1);
});

test('a file full of secrets has a limited number of findings', async () => {
  const lines = Array.from({ length: 200 }, (_, seed) => madeUp('github-token', seed));
  expect(await secretsIn('app/dump.txt', lines.join('\n'))).toHaveLength(20);
});

test('the configuration of an image', () => {
  const config: ScannedConfig = {
    env: ['PATH=/usr/bin', `DB_PASSWORD=${password}`, 'EMPTY', `URL=postgres://a:${password}@db/x`],
    entrypoint: [],
    cmd: ['node', 'x.js', `--key=${madeUp('stripe-secret-key', 1)}`],
    user: '',
    exposedPorts: [],
    labels: { ci: madeUp('gitlab-token', 2) },
    healthcheck: false,
    history: [{ createdBy: `ARG TOKEN=${madeUp('npm-token', 3)}`, emptyLayer: true }],
  };
  const found = createSecretConfigInspector(rules).inspect(config);
  expect(found.map(({ id, places }) => [id, places[0]?.path])).toEqual([
    ['setting-secret', 'image-config:env/DB_PASSWORD'],
    ['database-url', 'image-config:env/URL'],
    ['gitlab-token', 'image-config:label/ci'],
    ['stripe-secret-key', 'image-config:cmd'],
    ['npm-token', 'image-config:history/1'],
  ]);
  expect(JSON.stringify(found)).not.toContain(password);
});

test.each([
  ['rules: []', 'about:'],
  ['a: &x [1]\nb: *x', 'alias'],
  ['{', 'Flow map'],
])('%s is refused', (text, message) => {
  expect(() => loadSecretRules({ name: 'own.yaml', text })).toThrow(/own\.yaml: /);
  expect(() => loadSecretRules({ name: 'own.yaml', text })).toThrow(new RegExp(message, 'i'));
});

test.each([
  ['regex: "[a-f0-9]{32}"', 'the rule a: a pattern has no four bytes'],
  ['regex: "(?=abcd)"', 'the rule a: a regular expression has'],
  ['regex: abcd\n    regexp: x', 'regexp'],
  ['regex: abcd\n    exceptPaths: [$nowhere]', 'there is no list of paths $nowhere'],
  [
    'regex: abcd\n  - id: a\n    title: abc\n    severity: low\n    why: for a test.\n    regex: abcd',
    'appears twice',
  ],
])('a rule with %s is refused', (rest, message) => {
  const text = `about: x
pathLists: {}
allow: { paths: [], values: [], words: [], forms: [] }
rules:
  - id: a
    title: abc
    severity: low
    why: for a test.
    ${rest}`;
  expect(() => loadSecretRules({ name: 'own.yaml', text })).toThrow(message);
});
