/** Requirements of RubyGems: `>= 1.2, < 2`, `~> 1.9.3` (guides.rubygems.org/patterns). */
import { compareVersions } from '../versions/compare.ts';

/** Undefined when nobody knows. */
export function satisfiesGem(version: string, requirement: string): boolean | undefined {
  const answers = requirement.split(',').map((part) => satisfiesPart(version, part.trim()));
  if (answers.includes(false)) return false;
  return answers.includes(undefined) ? undefined : true;
}

function satisfiesPart(version: string, part: string): boolean | undefined {
  const [, operator = '=', wanted = ''] = /^(=|!=|>=|<=|>|<|~>)?\s*(\S+)$/.exec(part) ?? [];
  const order = compareVersions('gem', version, wanted);
  if (order === undefined) return undefined;
  switch (operator) {
    case '!=':
      return order !== 0;
    case '>=':
      return order >= 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    case '~>':
      return order >= 0 && (compareVersions('gem', version, nextOf(wanted)) ?? 0) < 0;
    default:
      return order === 0;
  }
}

/** The first that `~> wanted` doesn't allow: `1.9.3` → `1.10`, `2` → `3`. */
function nextOf(wanted: string): string {
  const numbers = wanted.split('.').filter((segment) => /^\d+$/.test(segment));
  const kept = numbers.length > 1 ? numbers.slice(0, -1) : numbers;
  return [...kept.slice(0, -1), String(Number(kept.at(-1) ?? '0') + 1)].join('.');
}
