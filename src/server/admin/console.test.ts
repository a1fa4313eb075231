import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../store/index.ts';
import { dataPaths } from '../instance/instance.ts';
import { newConsoleLogin } from './console.ts';

test('leads to where Ward serves, and without an address says what to do', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-console-'));
  const place = { dataDir: folder.path };
  const { database, address } = dataPaths(folder.path);
  // As after a restore: the databases are there, and no server has written where it serves.
  await openStore({ path: database }).then((store) => store.close());
  await expect(newConsoleLogin(place, undefined)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(folder.path),
    hint: expect.stringContaining('--url'),
  });
  const named = await newConsoleLogin(place, 'https://ward.example.com/ward/');
  expect(named.url).toMatch(/^https:\/\/ward\.example\.com\/ward\/console\/login#./);
  await writeFile(address, 'http://127.0.0.1:4000\n');
  const { url } = await newConsoleLogin(place, undefined);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:4000\/console\/login#./);
});
