import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createVault } from '../../functions/index.ts';
import { addKey } from './key-file.ts';
import { readGivenKeys, watchGivenKeys } from './secrets.ts';
import { openVaultKeys } from './vault-keys.ts';

const line = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

/** A data folder, with a key file of the operator if `content` is given. */
async function start(content?: string) {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-vault-keys-'));
  const keyFile = content === undefined ? undefined : join(dataDir, 'mine.keys');
  if (keyFile !== undefined) await writeFile(keyFile, content ?? '', { mode: 0o600 });
  return {
    dataDir,
    file: keyFile ?? join(dataDir, 'parameters.keys'),
    given: (env: NodeJS.ProcessEnv = {}) => readGivenKeys({ parameters: { keyFile } }, env),
    open: async (make: boolean, env: NodeJS.ProcessEnv = {}) =>
      openVaultKeys({ dataDir }, readGivenKeys({ parameters: { keyFile } }, env), make),
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }),
  };
}

describe('the file in the data folder', () => {
  test('is created once, private to its owner, and read afterwards', async () => {
    await using at = await start();
    const first = await at.open(true);
    expect(first).toMatchObject({ file: at.file, isNew: true });
    expect((await stat(at.file)).mode & 0o777).toBe(0o600);
    expect(await readdir(at.dataDir)).toEqual(['parameters.keys']);
    const again = await at.open(true);
    expect(again.isNew).toBe(false);
    expect(again.keys()).toEqual(first.keys());
    expect(first.keys()).toHaveLength(1);
  });

  test('is not created by a reader', async () => {
    await using at = await start();
    await expect(at.open(false)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INVALID',
    });
    expect(await readdir(at.dataDir)).toEqual([]);
  });

  test('gets a new key in front, with which a running server decrypts at once and encrypts soon', async () => {
    await using at = await start();
    const { keys } = await at.open(true);
    const vault = createVault(keys);
    const old = vault.seal('before', 'guest/a');
    const id = await addKey(at.file);
    expect(await readdir(at.dataDir)).toEqual(['parameters.keys']);
    expect((await stat(at.file)).mode & 0o777).toBe(0o600);
    const fresh = createVault((await at.open(false)).keys).seal('after', 'guest/a');
    expect(fresh).toMatch(new RegExp(`^w1:${id}:`));
    expect([vault.open(fresh, 'guest/a'), vault.open(old, 'guest/a')]).toEqual(['after', 'before']);
    expect(vault.seal('later', 'guest/a')).toMatch(new RegExp(`^w1:${id}:`));
  });

  test('that is damaged while a server runs does not affect the server', async () => {
    await using at = await start();
    const { keys } = await at.open(true);
    const before = keys();
    await writeFile(at.file, 'nonsense');
    expect(keys('lately')).toEqual(before);
    await rm(at.file);
    expect(keys('lately')).toEqual(before);
  });
});

describe('a file that the operator names', () => {
  test('reports a change, and ignores an invalid file', async () => {
    await using at = await start(line('a'));
    const given = at.given();
    if (given === undefined) throw new Error('no keys');
    // Like a server that cannot read the file.
    const keyring = await openVaultKeys({ dataDir: '/nowhere' }, JSON.parse(JSON.stringify(given)), true);
    using _watch = watchGivenKeys(given, keyring.renew);
    const old = createVault(keyring.keys).seal('before', 'guest/a');
    const id = await addKey(at.file);
    const ids = () => keyring.keys().map((each) => each.id);
    await expect.poll(ids).toEqual([id, 'a']);
    expect(createVault(keyring.keys).open(old, 'guest/a')).toBe('before');
    expect(() => keyring.renew({ ...given, lines: ['nonsense'] })).toThrow(
      expect.objectContaining({ code: 'PARAMETER_KEYS_INVALID' }),
    );
    await writeFile(at.file, 'nonsense');
    await rm(at.file);
    await writeFile(at.file, line('b'), { mode: 0o600 });
    await expect.poll(ids).toEqual(['b']);
  });

  test('reports a change that was made before the watch began', async () => {
    await using at = await start(line('a'));
    const given = at.given();
    if (given === undefined) throw new Error('no keys');
    const id = await addKey(at.file);
    const told: (readonly string[])[] = [];
    using _watch = watchGivenKeys(given, ({ lines }) => void told.push(lines));
    await expect.poll(() => told).toEqual([[expect.stringMatching(`^${id}:`), given.lines[0]]]);
  });

  test('has keys, comments and blank lines, and the first key encrypts', async () => {
    await using at = await start(`# mine\n\n${line('b')}\n  ${line('a')}\r\n`);
    const { keys, file, isNew } = await at.open(true);
    expect([keys().map(({ id }) => id), file, isNew]).toEqual([['b', 'a'], at.file, false]);
  });

  test('is not created', async () => {
    await using at = await start('');
    await rm(at.file);
    await expect(at.open(true)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INVALID',
      message: expect.stringContaining(at.file),
    });
  });

  test.each([0o640, 0o604, 0o660, 0o601])('of mode %o is refused', async (mode) => {
    await using at = await start(line('a'));
    await chmod(at.file, mode);
    await expect(at.open(true)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INSECURE',
      hint: expect.stringContaining('chmod 600'),
    });
  });

  test.each([
    [0o400, undefined],
    [0o440, undefined],
    [0o460, 'PARAMETER_KEYS_INSECURE'],
    [0o444, 'PARAMETER_KEYS_INSECURE'],
  ])('that systemd made for the service, of mode %o: %s', async (mode, code) => {
    await using at = await start(line('a'));
    await chmod(at.file, mode);
    vi.stubEnv('CREDENTIALS_DIRECTORY', at.dataDir);
    onTestFinished(() => void vi.unstubAllEnvs());
    if (code === undefined) expect((await at.open(false)).keys()).toHaveLength(1);
    else await expect(at.open(false)).rejects.toMatchObject({ code });
  });

  test.each<[string, string]>([
    ['nothing', '# none\n'],
    ['no id', randomBytes(32).toString('base64')],
    ['a short key', `a:${randomBytes(31).toString('base64')}`],
    ['a long key', `a:${randomBytes(33).toString('base64')}`],
    ['a bad id', line('a b')],
    ['a long id', line('x'.repeat(33))],
    ['the same id twice', `${line('a')}\n${line('a')}`],
    ['too many', Array.from({ length: 101 }, (_, i) => line(`k${i}`)).join('\n')],
  ])('with %s is refused, without showing its content', async (_what, content) => {
    await using at = await start(content);
    const error = await at.open(true).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'PARAMETER_KEYS_INVALID' });
    const [, secret = content] = content.split(':');
    expect(JSON.stringify([error, String(error)])).not.toContain(secret.trim().slice(0, 20));
  });
});

test('the environment overrides any file', async () => {
  await using at = await start(line('file'));
  const env = { WARD_PARAMETER_KEYS: `${line('new')}, ${line('old')}` };
  const { keys, file } = await at.open(true, env);
  expect([keys().map(({ id }) => id), file]).toEqual([['new', 'old'], undefined]);
  await expect(at.open(true, { WARD_PARAMETER_KEYS: '' })).rejects.toMatchObject({
    code: 'PARAMETER_KEYS_INVALID',
  });
  expect(await readFile(at.file, 'utf8')).toContain('file:');
});
