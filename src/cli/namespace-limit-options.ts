/** The limits of a namespace as options, and what was typed as the change that the server room takes. */
import { type JsonValue, messageOf, parseSize } from '../lib/index.ts';
import type { OptionSpec } from './command-spec.ts';
import { cliFault } from './faults.ts';
import { type Input, parseSwitch } from './input.ts';

type LimitValue = number | boolean | readonly string[] | JsonValue;

interface LimitOption extends OptionSpec {
  /** What the server calls it. */
  readonly limit: string;
  readonly read: (text: string, name: string) => LimitValue;
}

const limitOptions: readonly LimitOption[] = [
  count('--invocations-per-minute', 'invocationsPerMinute', 'invocations in a minute'),
  count('--concurrent', 'concurrentInvocations', 'invocations at once'),
  count('--fires-per-minute', 'firesPerMinute', 'trigger firings in a minute'),
  {
    flags: '--allowed-kinds <KINDS>',
    limit: 'allowedKinds',
    summary: 'kinds that its actions may have, with commas between',
    read: readKinds,
  },
  {
    flags: '--store-activations <TRUE|FALSE>',
    limit: 'storeActivations',
    summary: 'whether records of its activations are kept',
    read: readSwitch,
  },
  count('--min-memory', 'minActionMemory', 'least memory of an action, in MB'),
  count('--max-memory', 'maxActionMemory', 'most memory of an action, in MB'),
  count('--min-timeout', 'minActionTimeout', 'least timeout of an action, in milliseconds'),
  count('--max-timeout', 'maxActionTimeout', 'most timeout of an action, in milliseconds'),
  count('--max-logs', 'maxActionLogs', 'most log of an activation, in MB'),
  count('--max-concurrency', 'maxActionConcurrency', 'activations that one sandbox may run at once'),
  count('--max-instances', 'maxActionInstances', 'sandboxes of one action'),
  {
    flags: '--sandbox <JSON>',
    limit: 'sandbox',
    summary: 'what its sandboxes get; an action can only tighten it: gvisor, or an object as the annotation',
    read: readSandbox,
  },
  {
    flags: '--egress <RULES>',
    limit: 'egress',
    summary:
      'what its sandboxes may reach: api.example.com:443,203.0.113.0/24, JSON as the annotation, or none',
    read: readEgress,
  },
  size('--code-quota', 'codeQuotaBytes', 'code and entities on disk'),
  size('--record-quota', 'recordQuotaBytes', 'records with their logs on disk'),
  size('--registry-quota', 'registryQuotaBytes', 'pushed images on disk'),
  count('--retention-days', 'retentionMaxAgeDays', 'days that its records are kept; 0 is for ever'),
  count('--retention-records', 'retentionMaxRecords', 'newest records that are kept; 0 is all of them'),
];

export const namespaceLimitOptions: readonly OptionSpec[] = limitOptions;

/** What was typed, by the server's names; null goes back to the server's own. @throws Fault USAGE */
export function typedLimits(input: Input): Readonly<Record<string, LimitValue | null>> {
  const typed = limitOptions.flatMap(({ flags, limit, read }) => {
    const [word = ''] = flags.split(' ');
    const text = input.text(camelCase(word));
    return text === undefined ? [] : [[limit, text === 'default' ? null : read(text, word)] as const];
  });
  return Object.fromEntries(typed);
}

function count(word: string, limit: string, summary: string): LimitOption {
  return { flags: `${word} <N>`, limit, summary, read: readCount };
}

function size(word: string, limit: string, summary: string): LimitOption {
  return { flags: `${word} <SIZE>`, limit, summary: `most ${summary}, like 512m or 4g`, read: readSize };
}

function readSize(text: string, name: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw cliFault('USAGE', `${name} takes a size like 512m or 4g, or default, not '${text}'`);
}

function readCount(text: string, name: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw cliFault('USAGE', `${name} takes a whole number, or default, not '${text}'`);
}

function readSwitch(text: string, name: string): boolean {
  const value = parseSwitch(text);
  if (value !== undefined) return value;
  throw cliFault('USAGE', `${name} takes true, false or default, not '${text}'`);
}

function readKinds(text: string): readonly string[] {
  return text
    .split(',')
    .map((kind) => kind.trim())
    .filter((kind) => kind !== '');
}

/** What may be in it, the server room says. */
function readSandbox(text: string, name: string): JsonValue {
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw cliFault('USAGE', `${name} takes gvisor, default, or JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Leaves it to the server to check rules; a name alone is reached over HTTPS. @throws Fault USAGE */
export function readEgress(text: string, name: string): JsonValue {
  if (text === 'none') return [];
  if (!text.startsWith('[')) return rulesIn(text);
  try {
    return JSON.parse(text);
  } catch {
    // A network of IPv6 with a port begins like a list: [2001:db8::/32]:443.
    if (text.includes(']:')) return rulesIn(text);
    throw cliFault('USAGE', `${name} takes rules with commas between, none, default, or JSON, not '${text}'`);
  }
}

function rulesIn(text: string): string[] {
  const rules = text.split(',').map((rule) => rule.trim());
  return rules.map((rule) => (/^[\w*.-]*[a-z][\w.-]*$/i.test(rule) ? `${rule}:443` : rule));
}

/** `--max-memory` → `maxMemory`, as options are read. */
function camelCase(word: string): string {
  return word.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
