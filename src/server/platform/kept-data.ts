/** How long Ward keeps what, in one list: from the configuration, from a namespace's own limits, and from what is fixed. */
import type { KeptData } from '../../answers/index.ts';
import {
  egressKeptDays,
  maxDeadLetters,
  type NamespaceLimitValues,
  usageKeptDays,
} from '../../functions/index.ts';
import { mostMembers, violationsKept } from '../../store/index.ts';
import type { Config } from '../config/config.ts';

type OwnRetention = Pick<NamespaceLimitValues, 'retentionMaxAgeDays' | 'retentionMaxRecords'>;

/** @param own a namespace's; without it, what counts for namespaces that have none */
export function keptData(
  { retention, audit }: Pick<Config, 'retention' | 'audit'>,
  own: OwnRetention = {},
): readonly KeptData[] {
  const ofRecords = {
    days: limitOf(own.retentionMaxAgeDays ?? retention.maxAgeDays),
    most: limitOf(own.retentionMaxRecords ?? retention.maxRecordsPerNamespace),
    per: 'namespace',
    settings: ['retention.maxAgeDays', 'retention.maxRecordsPerNamespace'],
  } as const;
  const withRecord = { ...ofRecords, until: 'their record goes' };
  const ofNamespace = { days: null, per: 'namespace', settings: [] } as const;
  return [
    { ...ofRecords, what: 'records', until: 'the quota of records needs their room' },
    { ...withRecord, what: 'logs' },
    { ...withRecord, what: 'inputs' },
    {
      ...ofNamespace,
      what: 'dead-letters',
      most: maxDeadLetters,
      until: 'they are replayed or deleted',
    },
    {
      ...{ what: 'earlier-code', days: null, most: 1, per: 'function', settings: [] },
      until: 'the code is changed again, or the quota of code needs its room',
    },
    { ...ofNamespace, what: 'images', most: null, until: 'they are deleted' },
    {
      ...{ what: 'audit', days: limitOf(audit.keepDays), most: limitOf(audit.keepEntries), per: 'ward' },
      ...{ until: null, settings: ['audit.keepDays', 'audit.keepEntries'] },
    },
    { ...ofNamespace, what: 'violations', most: violationsKept, until: null },
    { ...ofNamespace, what: 'members', most: mostMembers, until: null },
    { ...ofNamespace, what: 'usage', days: usageKeptDays, most: null, until: null },
    { ...ofNamespace, what: 'egress', days: egressKeptDays, most: null, until: null },
  ];
}

/** What a namespace has of its own; undefined: nothing. */
export function ownRetention({ retentionMaxAgeDays, retentionMaxRecords }: OwnRetention) {
  if (retentionMaxAgeDays === undefined && retentionMaxRecords === undefined) return undefined;
  return {
    ...(retentionMaxAgeDays === undefined ? {} : { days: limitOf(retentionMaxAgeDays) }),
    ...(retentionMaxRecords === undefined ? {} : { most: limitOf(retentionMaxRecords) }),
  };
}

/** In settings, 0 is no limit. */
function limitOf(setting: number): number | null {
  return setting === 0 ? null : setting;
}
