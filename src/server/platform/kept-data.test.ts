import { expect, test } from 'vitest';
import { loadConfig } from '../config/config.ts';
import { keptData, ownRetention } from './kept-data.ts';

const { retention, audit } = await loadConfig({ dataDir: '/nowhere' }, {});
const of = (what: string, ...given: Parameters<typeof keptData>) =>
  keptData(...given).find((each) => each.what === what);

test('the configuration says how long records and entries of the audit log stay', () => {
  const config = { retention, audit };
  for (const what of ['records', 'logs', 'inputs'])
    expect(of(what, config)).toMatchObject({ days: 7, most: 1_000_000, per: 'namespace' });
  expect(of('audit', config)).toMatchObject({ days: 400, most: 2_000_000, per: 'ward' });
  const endless = {
    retention: { ...retention, maxAgeDays: 0, maxRecordsPerNamespace: 0 },
    audit: { ...audit, keepDays: 0, keepEntries: 0 },
  };
  for (const what of ['records', 'logs', 'audit'])
    expect(of(what, endless)).toMatchObject({ days: null, most: null });
});

test('a namespace may have its own rule for records, and for nothing else', () => {
  const own = { retentionMaxAgeDays: 30, retentionMaxRecords: 0 };
  expect(of('logs', { retention, audit }, own)).toMatchObject({ days: 30, most: null });
  expect(of('audit', { retention, audit }, own)).toEqual(of('audit', { retention, audit }));
  expect(ownRetention(own)).toEqual({ days: 30, most: null });
  expect(ownRetention({ retentionMaxAgeDays: 0 })).toEqual({ days: null });
  expect(ownRetention({})).toBeUndefined();
});
