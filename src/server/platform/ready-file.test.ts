import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import { keepReadyFile } from './ready-file.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the file exists while the node is ready', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-ready-'));
  const file = join(folder.path, 'ready');
  let isReady = false;
  const exists = () => {
    vi.advanceTimersByTime(1000);
    return existsSync(file);
  };
  {
    using _ = keepReadyFile({ file, isReady: () => isReady, log: silentLog });
    expect(exists()).toBe(false);
    for (const now of [true, false, true]) {
      isReady = now;
      expect(exists()).toBe(now);
    }
  }
  expect(exists()).toBe(false);
});

test('it comes later when it could not be written at first', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-ready-'));
  const missing = join(folder.path, 'missing');
  using _ = keepReadyFile({ file: join(missing, 'ready'), isReady: () => true, log: silentLog });
  vi.advanceTimersByTime(1000);
  await mkdir(missing);
  vi.advanceTimersByTime(1000);
  expect(existsSync(join(missing, 'ready'))).toBe(true);
});
