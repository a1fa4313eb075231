import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeHome, runWard } from './cli.fixture.ts';
import { lockSettings } from './settings-lock.ts';
import { readWskprops } from './wskprops.ts';

test('the next command waits for the lock, and gives up in the end', async () => {
  await using home = await makeHome();
  const path = join(home.path, '.wskprops');
  const onWait = vi.fn();
  const lock = await lockSettings(path, { onWait });
  expect(onWait).not.toHaveBeenCalled();
  await expect(lockSettings(path, { onWait, waitMs: 1 })).rejects.toMatchObject({ code: 'LOGIN_BUSY' });
  expect(onWait).toHaveBeenCalledOnce();
  const next = lockSettings(path, { onWait: () => lock.release() });
  (await next).release();
});

test('a property is set and removed only with the lock', async () => {
  await using home = await makeHome();
  const path = join(home.path, '.wskprops');
  await mkdir(`${path}.lock`);
  for (const words of [
    ['property', 'set', '--namespace', 'shop'],
    ['property', 'unset', '--namespace'],
  ])
    expect(await runWard(words, { home })).toMatchObject({
      ...{
        code: 1,
        stderr: expect.stringContaining(`error[FILE_NOT_WRITTEN]: ${path}.lock can't be locked`),
      },
    });
  expect(readWskprops(path)).toEqual({});
});
