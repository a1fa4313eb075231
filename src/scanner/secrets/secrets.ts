/** Finds secrets in files and in an image's configuration. Findings never contain the secret. */
import type { Looker } from '../patterns/content-inspector.ts';
import {
  type Found,
  momentSteps,
  openBudget,
  type PatternSink,
  scanBytes,
} from '../patterns/pattern-scan.ts';
import { type ConfigText, commandsOf, labelsOf, requireShort, variablesOf } from '../rules/image-config.ts';
import type { ConfigInspector, Secret } from '../types.ts';
import { isGenuine, isOfNobody } from './genuine.ts';
import type { SecretRules } from './rules.ts';

interface Sighting {
  readonly rule: number;
  readonly start: number;
  readonly end: number;
  readonly finding: Secret;
}

/** The limit for findings of one rule in one file. After fixing those, the author will see the others. */
const maxOfRule = 20;

export function createSecretLooker(rules: SecretRules): Looker {
  return {
    revision: rules.revision,
    patterns: rules.rules.map(({ pattern }) => pattern),
    look: (file) => (file.head.includes(0) ? undefined : openSearch(rules, file.path)),
  };
}

export function createSecretConfigInspector(rules: SecretRules): ConfigInspector {
  return {
    name: 'secrets',
    revision: rules.revision,
    inspect: (config) => {
      requireShort(config);
      const budget = openBudget(momentSteps);
      const named = [...variablesOf(config), ...labelsOf(config)];
      const texts: readonly ConfigText[] = [
        ...named.map(({ path, name, text }) => ({ path, text: `${name}=${text}` })),
        ...commandsOf(config),
      ];
      return texts.flatMap(({ path, text }) => {
        const search = openSearch(rules, path);
        scanBytes(rules.set, Buffer.from(text), search, budget);
        return search.findings().map(({ line: _, ...finding }) => finding);
      });
    },
  };
}

/**
 * Redacts a secret: shows enough to recognize it, never enough to use it. For a long secret, that is both ends, at most a
 * fifth of it.
 */
export function redact(secret: string): string {
  const shown = secret.length >= 30 ? 4 : secret.length >= 20 ? 2 : 0;
  const ends = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, '?');
  if (shown === 0) return '***';
  return `${ends(secret.slice(0, shown))}***${ends(secret.slice(-Math.floor(shown / 2)))}`;
}

function openSearch(rules: SecretRules, path: string) {
  const sightings: Sighting[] = [];
  const counts = new Map<number, number>();
  const lines = createLineCounter();
  let isAllowedPath: boolean | undefined;
  const isWanted = new Map<number, boolean>();

  const wants = (index: number): boolean => {
    isAllowedPath ??= rules.isAllowedPath(path);
    if (isAllowedPath || (counts.get(index) ?? 0) >= maxOfRule) return false;
    const known = isWanted.get(index);
    if (known !== undefined) return known;
    const wanted = rules.rules[index]?.isWanted(path) === true;
    isWanted.set(index, wanted);
    return wanted;
  };

  const found = ({ pattern, bytes, match, base }: Found): void => {
    const rule = rules.rules[pattern];
    if (rule === undefined) return;
    const secret = bytes.subarray(match.coreStart, match.coreEnd);
    if (!isGenuine(secret, rule, rules)) return;
    if (isOfNobody(bytes.toString('latin1', match.start, match.end))) return;
    counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
    sightings.push({
      rule: pattern,
      start: base + match.coreStart,
      end: base + match.coreEnd,
      finding: {
        class: 'secret',
        id: rule.id,
        title: rule.title,
        severity: rule.severity,
        places: [{ path }],
        redacted: redact(secret.toString('latin1')),
        line: base === 0 ? lines.lineAt(bytes, match.coreStart) : undefined,
      },
    });
  };

  const findings = (): readonly Secret[] =>
    sightings
      .filter(
        (one) =>
          !sightings.some((other) => other.rule < one.rule && other.start < one.end && one.start < other.end),
      )
      .sort((one, other) => one.start - other.start)
      .map(({ finding }) => finding);

  return { wants, found, findings } satisfies PatternSink & { findings(): readonly Secret[] };
}

/** Finds the line of an offset in one text, counting on from the previous call. */
interface LineCounter {
  /** Counts from 1. */
  lineAt(bytes: Buffer, offset: number): number;
}

function createLineCounter(): LineCounter {
  let line = 1;
  let at = 0;
  return {
    lineAt: (bytes, offset) => {
      if (offset < at) [line, at] = [1, 0];
      for (let next = bytes.indexOf(10, at); next >= 0 && next < offset; next = bytes.indexOf(10, at)) {
        line++;
        at = next + 1;
      }
      return line;
    },
  };
}
