import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultLimits } from '../../functions/index.ts';
import { loadConfig } from './config.ts';
import { systemLimits } from './limits.ts';

/** The system's limits under a configuration file with this content. */
async function limitsOf(content: string) {
  const folder = await mkdtemp(join(tmpdir(), 'ward-limits-'));
  try {
    const configFile = join(folder, 'ward.yaml');
    await writeFile(configFile, content);
    return systemLimits(await loadConfig({ configFile }, {}));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the system’s limits', () => {
  test('are the defaults without configuration', async () => {
    expect(await limitsOf('')).toEqual(defaultLimits);
  });

  test('can all be changed', async () => {
    const range = { min: 100, max: 400, default: 200 };
    const wanted: typeof defaultLimits = {
      timeoutMs: range,
      memoryMiB: range,
      logMiB: range,
      concurrency: range,
      cpus: { min: 0.5, max: 4.5 },
      diskMiB: { min: 2, max: 3 },
      codeBytes: 23_068_672,
      parametersBytes: 1024,
      payloadBytes: 2048,
      resultBytes: 4096,
      list: { default: 10, max: 50 },
      blockingWaitMs: 1000,
      sequenceLength: 3,
      invocationsPerMinute: 6000,
      concurrentInvocations: 100,
      firesPerMinute: 600,
      codeQuotaBytes: 1024 ** 3,
      recordQuotaBytes: 2 * 1024 ** 3,
      registryQuotaBytes: 3 * 1024 ** 3,
    };
    const written = {
      ...wanted,
      codeBytes: '22m',
      parametersBytes: '1k',
      payloadBytes: 2048,
      resultBytes: '4k',
      codeQuotaBytes: '1g',
      recordQuotaBytes: '2048m',
      registryQuotaBytes: '3g',
    };
    expect(await limitsOf(JSON.stringify({ limits: written }))).toEqual(wanted);
  });

  test('keep unnamed values', async () => {
    const { memoryMiB, list } = await limitsOf('limits: {memoryMiB: {max: 4096}, list: {max: 50}}');
    expect(memoryMiB).toEqual({ min: 128, max: 4096, default: 256 });
    expect(list).toEqual({ default: 30, max: 50 });
  });

  test.each([
    ['memoryMiB: {max: 200}', 'limits.memoryMiB: 128 ≤ 256 ≤ 200 does not hold'],
    ['timeoutMs: {default: 300001}', 'limits.timeoutMs: 100 ≤ 300001 ≤ 300000 does not hold'],
    ['cpus: {min: 3}', 'limits.cpus: 3 ≤ 2 does not hold'],
    ['diskMiB: {max: 4, min: 5}', 'limits.diskMiB: 5 ≤ 4 does not hold'],
    ['list: {max: 20}', 'limits.list: 30 ≤ 20 does not hold'],
    ['codeBytes: 1t', 'limits.codeBytes: not a size like 22m, of at most 268435456 bytes'],
    ['codeBytes: 1g', 'limits.codeBytes: not a size like 22m, of at most 268435456 bytes'],
    ['payloadBytes: 0', 'limits.payloadBytes: not a size like 22m, of at most 16777216 bytes'],
  ])('with %s are refused', async (line, message) => {
    await expect(limitsOf(`limits: {${line}}`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
