import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfigFile } from './config-file.ts';

test.each([
  ['that is absent', undefined, /ENOENT/, /--config or WARD_CONFIG/],
  ['that is no YAML', '{', /flow map/i, undefined],
  ['with an unknown key', 'lisen: 1', /lisen/, /operations\.md/],
])('a file %s is refused with its path', async (_, text, reason, hint) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-config-'));
  const path = join(folder.path, 'config.yaml');
  if (text !== undefined) await writeFile(path, text);
  const refusal = await readConfigFile(path).catch((error) => error);
  expect(refusal).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(path) });
  expect(refusal.message).toMatch(reason);
  if (hint === undefined) expect(refusal.hint).toBeUndefined();
  else expect(refusal.hint).toMatch(hint);
});
