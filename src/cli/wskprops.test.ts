import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeHome } from './cli.fixture.ts';
import { parseWskprops, readWskprops, updateWskprops, wskpropsPath } from './wskprops.ts';

test('parses names and values as wsk does', () => {
  expect(parseWskprops('APIHOST=https://h\n# AUTH=no\n\nauth = a:b=c \r\nnonsense\nNAMESPACE=\n')).toEqual({
    APIHOST: 'https://h',
    AUTH: 'a:b=c',
    NAMESPACE: '',
  });
});

test('finds the file through WSK_CONFIG_FILE, else in the home folder', () => {
  expect(wskpropsPath({ HOME: '/h' })).toBe('/h/.wskprops');
  expect(wskpropsPath({ HOME: '/h', WSK_CONFIG_FILE: '/x' })).toBe('/x');
});

test('changes the given values, keeps the rest, and makes the file private', async () => {
  await using home = await makeHome();
  const path = join(home.path, '.wskprops');
  await writeFile(path, '# mine\nAUTH=old:key\nAPIGW_ACCESS_TOKEN=t\n', { mode: 0o644 });
  await updateWskprops(path, { AUTH: 'new:key', APIHOST: 'http://h' });
  expect(await readFile(path, 'utf8')).toBe('# mine\nAPIGW_ACCESS_TOKEN=t\nAUTH=new:key\nAPIHOST=http://h\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await updateWskprops(path, { AUTH: undefined });
  expect(readWskprops(path)).toEqual({ APIGW_ACCESS_TOKEN: 't', APIHOST: 'http://h' });
});

test('is empty without a file, and a fault for a folder or a file that is too large', async () => {
  await using home = await makeHome();
  expect(readWskprops(join(home.path, 'none'))).toEqual({});
  expect(() => readWskprops(home.path)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }));
  const large = join(home.path, 'large');
  await writeFile(large, 'x'.repeat(70_000));
  expect(() => readWskprops(large)).toThrow(/larger than/);
});
