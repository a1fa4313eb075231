import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { joinRequestOf } from './join-options.ts';

const urls = ['https://a.example', 'https://b.example'];
const invoker = { role: 'invoker' } as const;

test.each([
  ['the command line', { join: urls, token: 'one' }, {}, 'one'],
  ['the environment', {}, { WARD_JOIN: urls.join(','), WARD_JOIN_TOKEN: 'two' }, 'two'],
  ['both', { join: urls, token: 'one' }, { WARD_JOIN: 'https://c.example', WARD_JOIN_TOKEN: 'two' }, 'one'],
  ['neither', { join: urls }, {}, undefined],
])('the token comes from %s', (_, options, env, token) => {
  expect(joinRequestOf({ ...invoker, ...options }, env)).toEqual({ urls, token });
});

test('an invoker needs an address, and other nodes don’t', () => {
  expect(() => joinRequestOf(invoker, {})).toThrow('needs the address of an API node');
  expect(joinRequestOf({ role: 'api', tokenFile: '/nonexistent' }, {})).toBeUndefined();
});

test('the token can be in a file, which only its owner can read', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-join-'));
  const tokenFile = join(folder.path, 'join-token');
  const read = () =>
    joinRequestOf({ ...invoker, join: urls, tokenFile }, { WARD_JOIN_TOKEN: 'other' })?.token;
  const unfit = (hint: RegExp) =>
    expect(read).toThrow(
      expect.objectContaining({ code: 'FLAG_INVALID', hint: expect.stringMatching(hint) }),
    );
  unfit(/name a file with the token/);
  await writeFile(tokenFile, 'one\n', { mode: 0o600 });
  expect(read()).toBe('one');
  // A node that has joined needs none.
  await writeFile(tokenFile, '');
  expect(read()).toBeUndefined();
  await chmod(tokenFile, 0o640);
  unfit(/chmod 600/);
  vi.stubEnv('CREDENTIALS_DIRECTORY', folder.path);
  expect(read()).toBeUndefined();
});
