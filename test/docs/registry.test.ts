/** docs/registry.md has the status and code of each fault of the registry, and its limits. */
import { expect, test } from 'vitest';
import { defaultRegistryStoreLimits } from '../../src/content/index.ts';
import { maxLayers } from '../../src/images/index.ts';
import { answers } from '../../src/registry/answers.ts';
import { defaultRegistryLimits } from '../../src/registry/types.ts';
import { plain, readText, tableOf } from './markdown.ts';

const document = readText('docs/registry.md');

test('statuses and codes', () => {
  const { rows } = tableOf(document, 'fault', 'Refusals');
  const listed = rows.map(([fault = '', status, code = '']) => [plain(fault), [Number(status), plain(code)]]);
  expect(Object.fromEntries(listed)).toEqual(answers);
});

test('limits', () => {
  const { rows } = tableOf(document, 'what', 'Limits');
  const stored = defaultRegistryStoreLimits;
  const served = defaultRegistryLimits;
  expect(rows.map(([, value]) => value)).toEqual([
    `${stored.bytesPerNamespace / 1024 ** 3} GiB`,
    String(stored.repositoriesPerNamespace),
    stored.tagsPerRepository.toLocaleString('en'),
    String(stored.uploadsPerNamespace),
    `${stored.uploadIdleMs / 3_600_000} hour`,
    `${served.manifestsInMemory / 1024 ** 2} MiB`,
    String(served.uploadsAtOnce),
    String(maxLayers),
    `${served.gateWaitMs / 60_000} min`,
    String(served.pageLength),
  ]);
  expect(document).toContain(`${served.uploadsAtOncePerNamespace} of them of one namespace`);
  expect(document).toContain(`${stored.graceMs / 3_600_000} hours after they were pushed`);
});
