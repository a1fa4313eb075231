import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createVault } from '../functions/index.ts';
import { addKey } from './key-file.ts';
import { openVaultKeys } from './vault-keys.ts';

const line = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const nowhere = {};

/** A data folder, with a key file that the operator names if `content` is given. */
async function start(content?: string) {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-vault-keys-'));
  const keyFile = content === undefined ? undefined : join(dataDir, 'mine.keys');
  if (keyFile !== undefined) await writeFile(keyFile, content ?? '', { mode: 0o600 });
  return {
    dataDir,
    file: keyFile ?? join(dataDir, 'parameters.keys'),
    config: { dataDir, parameters: { keyFile } },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true }),
  };
}

describe('the file in the data folder', () => {
  test('is made once, for its owner only, and read from then on', async () => {
    await using at = await start();
    const first = await openVaultKeys(at.config, true, nowhere);
    expect(first).toMatchObject({ file: at.file, isNew: true });
    expect((await stat(at.file)).mode & 0o777).toBe(0o600);
    expect(await readdir(at.dataDir)).toEqual(['parameters.keys']);
    const again = await openVaultKeys(at.config, true, nowhere);
    expect(again.isNew).toBe(false);
    expect(again.keys()).toEqual(first.keys());
    expect(first.keys()).toHaveLength(1);
  });

  test('is not made by who only looks', async () => {
    await using at = await start();
    await expect(openVaultKeys(at.config, false, nowhere)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INVALID',
    });
    expect(await readdir(at.dataDir)).toEqual([]);
  });

  test('gets a new key in front, which a server that runs uses soon, and opens with at once', async () => {
    await using at = await start();
    const { keys } = await openVaultKeys(at.config, true, nowhere);
    const vault = createVault(keys);
    const old = vault.seal('before', 'guest/a');
    const id = await addKey(at.file);
    expect(await readdir(at.dataDir)).toEqual(['parameters.keys']);
    expect((await stat(at.file)).mode & 0o777).toBe(0o600);
    const fresh = createVault((await openVaultKeys(at.config, false, nowhere)).keys).seal('after', 'guest/a');
    expect(fresh).toMatch(new RegExp(`^w1:${id}:`));
    expect([vault.open(fresh, 'guest/a'), vault.open(old, 'guest/a')]).toEqual(['after', 'before']);
    expect(vault.seal('later', 'guest/a')).toMatch(new RegExp(`^w1:${id}:`));
  });

  test('that is damaged while a server runs changes nothing for it', async () => {
    await using at = await start();
    const { keys } = await openVaultKeys(at.config, true, nowhere);
    const before = keys();
    await writeFile(at.file, 'nonsense');
    expect(keys('lately')).toEqual(before);
    await rm(at.file);
    expect(keys('lately')).toEqual(before);
  });
});

describe('a file that the operator names', () => {
  test('has keys, comments and blank lines, and the first key encrypts', async () => {
    await using at = await start(`# mine\n\n${line('b')}\n  ${line('a')}\r\n`);
    const { keys, file, isNew } = await openVaultKeys(at.config, true, nowhere);
    expect([keys().map(({ id }) => id), file, isNew]).toEqual([['b', 'a'], at.file, false]);
  });

  test('is not made', async () => {
    await using at = await start('');
    await rm(at.file);
    await expect(openVaultKeys(at.config, true, nowhere)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INVALID',
      message: expect.stringContaining(at.file),
    });
  });

  test.each([0o640, 0o604, 0o660, 0o601])('of mode %o is refused', async (mode) => {
    await using at = await start(line('a'));
    await chmod(at.file, mode);
    await expect(openVaultKeys(at.config, true, nowhere)).rejects.toMatchObject({
      code: 'PARAMETER_KEYS_INSECURE',
      hint: expect.stringContaining('chmod 600'),
    });
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
  ])('with %s is refused, without a word of what is in it', async (_what, content) => {
    await using at = await start(content);
    const error = await openVaultKeys(at.config, true, nowhere).catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'PARAMETER_KEYS_INVALID' });
    const [, secret = content] = content.split(':');
    expect(JSON.stringify([error, String(error)])).not.toContain(secret.trim().slice(0, 20));
  });
});

test('the environment comes before any file', async () => {
  await using at = await start(line('file'));
  const env = { WARD_PARAMETER_KEYS: `${line('new')}, ${line('old')}` };
  const { keys, file } = await openVaultKeys(at.config, true, env);
  expect([keys().map(({ id }) => id), file]).toEqual([['new', 'old'], undefined]);
  await expect(openVaultKeys(at.config, true, { WARD_PARAMETER_KEYS: '' })).rejects.toMatchObject({
    code: 'PARAMETER_KEYS_INVALID',
  });
  expect(await readFile(at.file, 'utf8')).toContain('file:');
});
