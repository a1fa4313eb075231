/** The limits of a namespace as options, and the typed change in the form that the server room takes. */
import { type JsonValue, messageOf, parseSize } from '../lib/index.ts';
import type { OptionSpec } from './command-spec.ts';
import { cliFault } from './faults.ts';
import { type Input, parseSwitch } from './input.ts';

type LimitValue = number | boolean | readonly string[] | JsonValue;

interface LimitOption extends OptionSpec {
  /** The server's name for it. */
  readonly limit: string;
  readonly read: (text: string, name: string) => LimitValue;
}

const limitOptions: readonly LimitOption[] = [
  count('--invocations-per-minute', 'invocationsPerMinute', 'maximum invocations per minute'),
  count('--concurrent', 'concurrentInvocations', 'maximum invocations at once'),
  count('--fires-per-minute', 'firesPerMinute', 'maximum trigger firings per minute'),
  {
    flags: '--allowed-kinds <KINDS>',
    limit: 'allowedKinds',
    summary: 'allowed kinds of actions, separated by commas',
    read: readKinds,
  },
  {
    flags: '--store-activations <TRUE|FALSE>',
    limit: 'storeActivations',
    summary: 'whether Ward keeps activation records',
    read: readSwitch,
  },
  count('--min-memory', 'minActionMemory', 'minimum memory of an action, in MB'),
  count('--max-memory', 'maxActionMemory', 'maximum memory of an action, in MB'),
  count('--min-timeout', 'minActionTimeout', 'minimum timeout of an action, in milliseconds'),
  count('--max-timeout', 'maxActionTimeout', 'maximum timeout of an action, in milliseconds'),
  count('--max-logs', 'maxActionLogs', 'maximum log of an activation, in MB'),
  count('--max-concurrency', 'maxActionConcurrency', 'maximum activations that one sandbox runs at once'),
  count('--max-instances', 'maxActionInstances', 'maximum sandboxes of one action'),
  {
    flags: '--sandbox <JSON>',
    limit: 'sandbox',
    summary: 'sandbox settings: gvisor, or an object as in the annotation; an action can only tighten them',
    read: readSandbox,
  },
  {
    flags: '--egress <RULES>',
    limit: 'egress',
    summary:
      'destinations that the sandboxes can connect to: api.example.com:443,203.0.113.0/24, JSON as in the annotation, or none',
    read: readEgress,
  },
  size('--code-quota', 'codeQuotaBytes', 'code and entities'),
  size('--record-quota', 'recordQuotaBytes', 'activation records with their logs'),
  size('--registry-quota', 'registryQuotaBytes', 'pushed images'),
  count('--retention-days', 'retentionMaxAgeDays', 'days to keep records; 0 keeps them forever'),
  count('--retention-records', 'retentionMaxRecords', 'number of newest records to keep; 0 keeps all'),
];

export const namespaceLimitOptions: readonly OptionSpec[] = limitOptions;

/** The typed limits, by the server's names; null resets to the server's own limit. @throws Fault USAGE */
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
  return {
    flags: `${word} <SIZE>`,
    limit,
    summary: `maximum disk space for ${summary}, like 512m or 4g`,
    read: readSize,
  };
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

/** The server room checks the content. */
function readSandbox(text: string, name: string): JsonValue {
  if (!text.startsWith('{')) return text;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw cliFault('USAGE', `${name} takes gvisor, default, or JSON: ${messageOf(cause)}`, { cause });
  }
}

/** Leaves the check of the rules to the server; a name alone means HTTPS. @throws Fault USAGE */
export function readEgress(text: string, name: string): JsonValue {
  if (text === 'none') return [];
  if (!text.startsWith('[')) return rulesIn(text);
  try {
    return JSON.parse(text);
  } catch {
    // An IPv6 network with a port begins like a list: [2001:db8::/32]:443.
    if (text.includes(']:')) return rulesIn(text);
    throw cliFault('USAGE', `${name} takes rules separated by commas, none, default, or JSON, not '${text}'`);
  }
}

function rulesIn(text: string): string[] {
  const rules = text.split(',').map((rule) => rule.trim());
  return rules.map((rule) => (/^[\w*.-]*[a-z][\w.-]*$/i.test(rule) ? `${rule}:443` : rule));
}

/** `--max-memory` → `maxMemory`, as the parser names options. */
function camelCase(word: string): string {
  return word.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
