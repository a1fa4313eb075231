/**
 * Parses the stated licence of a package into an SPDX expression. It reads the notations of Debian, Fedora, npm and others:
 * names joined by and, or, with; brackets; a comma before an `and` or `or` that binds least.
 * Sources: SPDX specification 2.3, annex D; Debian, copyright-format 1.0, 7.2.
 */
import { exceptionIdOf, licenceIdOf } from './licence-words.ts';

export type Licence =
  | { readonly id: string; readonly exception?: string | undefined }
  /** A name unknown to SPDX. */
  | { readonly named: string }
  | { readonly join: 'AND' | 'OR'; readonly of: readonly Licence[] };

const longestExpression = 1000;
const maxDepth = 20;

/** Treats text that is no expression as one name. */
export function licenceOf(text: string): Licence {
  if (text.length > longestExpression) return { named: text };
  const id = licenceIdOf(text);
  if (id !== undefined) return { id };
  const tokens = text.match(/[(),]|[^\s(),]+/g) ?? [];
  const parser: Parser = { tokens, at: 0, depth: 0 };
  const found = joinedByComma(parser);
  return found === undefined || parser.at < tokens.length ? { named: text } : found;
}

interface Parser {
  readonly tokens: readonly string[];
  at: number;
  depth: number;
}

function joinedByComma(parser: Parser): Licence | undefined {
  let found = joined(parser, 'OR');
  while (found !== undefined && parser.tokens[parser.at] === ',') {
    parser.at++;
    const join = parser.tokens[parser.at++]?.toUpperCase();
    if (join !== 'AND' && join !== 'OR') return undefined;
    const next = joined(parser, 'OR');
    found = next && { join, of: [found, next] };
  }
  return found;
}

function joined(parser: Parser, join: 'AND' | 'OR'): Licence | undefined {
  const part = () => (join === 'OR' ? joined(parser, 'AND') : single(parser));
  const parts = [part()];
  while (parser.tokens[parser.at]?.toUpperCase() === join) {
    parser.at++;
    parts.push(part());
  }
  const known = parts.filter((each) => each !== undefined);
  if (known.length < parts.length) return undefined;
  return known.length === 1 ? known[0] : { join, of: known };
}

function single(parser: Parser): Licence | undefined {
  if (parser.tokens[parser.at] === '(') {
    if (parser.depth === maxDepth) return undefined;
    parser.at++;
    parser.depth++;
    const found = joinedByComma(parser);
    parser.depth--;
    return parser.tokens[parser.at++] === ')' ? found : undefined;
  }
  const words = wordsOf(parser);
  if (parser.tokens[parser.at]?.toUpperCase() !== 'WITH') return named(words);
  parser.at++;
  const rest = wordsOf(parser);
  const id = licenceIdOf(words.join(' '));
  const exception = exceptionIdOf(rest.join(' '));
  if (id !== undefined && exception !== undefined) return { id, exception };
  return words.length === 1 && rest.length > 0 ? { named: `${words[0]} with ${rest.join(' ')}` } : undefined;
}

/** Several words that are not a name must each be one: old Alpine packages have lists. */
function named(words: readonly string[]): Licence | undefined {
  const id = licenceIdOf(words.join(' '));
  if (id !== undefined) return { id };
  const [first = ''] = words;
  if (words.length < 2) return first === '' ? undefined : { named: first };
  const ids = words.map(licenceIdOf).filter((each) => each !== undefined);
  return ids.length < words.length ? undefined : { join: 'AND', of: ids.map((each) => ({ id: each })) };
}

function wordsOf(parser: Parser): readonly string[] {
  const start = parser.at;
  while (/^(?!(?:and|or|with)$)[^(),]/i.test(parser.tokens[parser.at] ?? '')) parser.at++;
  return parser.tokens.slice(start, parser.at);
}
