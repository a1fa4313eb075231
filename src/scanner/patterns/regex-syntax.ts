/**
 * The text of a regular expression → a pattern of bytes. The language is what YARA and RE2 have in common: classes,
 * groups, choices, greedy and lazy repetition, `^ $ \b \B`. Refused, because they can't be matched in linear time or
 * are not needed: references back, looking ahead or behind, named groups, properties of Unicode.
 *
 * `(?i)` and `(?s)` may stand at the start. The first group `(…)` is the core of a match; `(?:…)` only groups.
 */
import { scannerFault } from '../faults.ts';
import {
  anyByte,
  type ByteSet,
  bytesPattern,
  caselessOf,
  choiceOf,
  complementOf,
  lengthOf,
  type Pattern,
  setOf,
  setOfRange,
  unionOf,
} from './pattern.ts';
import { escapedBytes, escapedSets } from './regex-escapes.ts';

export interface RegexOptions {
  readonly caseless?: boolean | undefined;
  /** `.` is any byte; otherwise any but a line feed. */
  readonly dotAll?: boolean | undefined;
  /** `^` and `$` are the ends of a line; otherwise of the whole. */
  readonly lines?: boolean | undefined;
}

const maxSourceLength = 4096;
const maxDepth = 20;
const maxRepeat = 1000;
const quantifier = /^(?:[*+?]|\{(?:\d{1,4}(?:,\d{0,4})?|,\d{1,4})\})/;

/** @throws Fault RULES_INVALID */
export function parseRegex(source: string, options: RegexOptions = {}): Pattern {
  if (source.length > maxSourceLength) throw refused(`is longer than ${maxSourceLength} characters`);
  const flags = /^\(\?([is]{1,2})\)/.exec(source)?.[1] ?? '';
  const parser = createParser(flags === '' ? source : source.slice(flags.length + 3), {
    caseless: options.caseless === true || flags.includes('i'),
    dotAll: options.dotAll === true || flags.includes('s'),
    lines: options.lines === true,
  });
  return parser();
}

function createParser(source: string, options: { caseless: boolean; dotAll: boolean; lines: boolean }) {
  let at = 0;
  let depth = 0;
  let hasCore = false;

  const byteOf = (set: ByteSet): Pattern => ({
    kind: 'byte',
    set: options.caseless ? caselessOf(set) : set,
  });

  const choice = (): Pattern => {
    if (++depth > maxDepth) throw refused(`nests deeper than ${maxDepth}`);
    const alternatives = [sequence()];
    while (source[at] === '|') {
      at++;
      alternatives.push(sequence());
    }
    depth--;
    return choiceOf(alternatives);
  };

  const sequence = (): Pattern => {
    const parts: Pattern[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(single()));
    return { kind: 'sequence', parts };
  };

  const single = (): Pattern => {
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
    at += char.length;
    if (char === '(') return group();
    if (char === '[') return byteOf(bracket());
    if (char === '\\') return escaped();
    if (char === '.') return byteOf(options.dotAll ? anyByte : complementOf(setOf(10)));
    if (char === '^') return { kind: 'edge', edge: options.lines ? 'line-start' : 'start' };
    if (char === '$') return { kind: 'edge', edge: options.lines ? 'line-end' : 'end' };
    if (quantifier.test(source.slice(at - 1, at + 11))) throw refused(`has nothing for '${char}' to repeat`);
    return bytesPattern(Buffer.from(char), options.caseless);
  };

  const group = (): Pattern => {
    const isCore = source[at] !== '?';
    if (!isCore && !source.startsWith('?:', at)) {
      throw refused(`has '(${source.slice(at, at + 2)}', which is not among what is known here`);
    }
    if (!isCore) at += 2;
    const isFirst = isCore && !hasCore;
    if (isFirst) hasCore = true;
    const part = choice();
    if (source[at++] !== ')') throw refused('has a group that is not closed');
    return isFirst ? { kind: 'core', part } : part;
  };

  const escaped = (): Pattern => {
    const char = source[at];
    if (char === 'b' || char === 'B') {
      at++;
      return { kind: 'edge', edge: char === 'b' ? 'word' : 'not-word' };
    }
    return byteOf(escapedSet());
  };

  const escapedSet = (): ByteSet => {
    const char = source[at++] ?? '';
    const set = escapedSets[char];
    if (set !== undefined) return set;
    if (char === 'x') {
      const hex = /^[0-9a-fA-F]{2}/.exec(source.slice(at, at + 2))?.[0];
      if (hex === undefined) throw refused("has '\\x' without two hex digits");
      at += 2;
      return setOf(Number.parseInt(hex, 16));
    }
    const byte = escapedBytes[char];
    if (byte !== undefined) return setOf(byte);
    if (!/^[!-/:-@[-`{-~ ]$/.test(char))
      throw refused(`has '\\${char}', which is not among what is known here`);
    return setOf(char.charCodeAt(0));
  };

  const bracket = (): ByteSet => {
    const isNegated = source[at] === '^';
    if (isNegated) at++;
    const sets: ByteSet[] = [];
    do {
      if (at >= source.length) throw refused('has a class that is not closed');
      sets.push(member());
    } while (source[at] !== ']');
    at++;
    const union = unionOf(sets);
    return isNegated ? complementOf(options.caseless ? caselessOf(union) : union) : union;
  };

  const member = (): ByteSet => {
    const from = memberByte();
    if (source[at] !== '-' || source[at + 1] === ']') return from;
    at++;
    const to = memberByte();
    const [low, high] = [from.indexOf(1), to.indexOf(1)];
    if (from.lastIndexOf(1) !== low || to.lastIndexOf(1) !== high || low > high) {
      throw refused('has a class with a range that makes no sense');
    }
    return setOfRange(low, high);
  };

  const memberByte = (): ByteSet => {
    const char = source[at++] ?? '';
    if (char === '\\') return escapedSet();
    if (char.charCodeAt(0) > 0x7e) throw refused(`has '${char}' in a class, which may hold ASCII only`);
    return setOf(char.charCodeAt(0));
  };

  const repeated = (part: Pattern): Pattern => {
    const found = quantifier.exec(source.slice(at, at + 12))?.[0];
    if (found === undefined) return part;
    if (lengthOf(part).max === 0) throw refused(`has nothing for '${found}' to repeat`);
    at += found.length;
    const lazy = source[at] === '?';
    if (lazy) at++;
    const range = rangeOf(found);
    if (range.min > range.max) throw refused(`has '${found}', which can't be`);
    if (range.min > maxRepeat || (range.max !== Number.POSITIVE_INFINITY && range.max > maxRepeat)) {
      throw refused(`repeats more than ${maxRepeat} times`);
    }
    return { kind: 'repeat', part, ...range, lazy };
  };

  return (): Pattern => {
    const pattern = choice();
    if (at < source.length) throw refused("has a ')' that opens nowhere");
    return pattern;
  };
}

function rangeOf(quantifier: string): { readonly min: number; readonly max: number } {
  if (quantifier === '*') return { min: 0, max: Number.POSITIVE_INFINITY };
  if (quantifier === '+') return { min: 1, max: Number.POSITIVE_INFINITY };
  if (quantifier === '?') return { min: 0, max: 1 };
  const [min = '', max] = quantifier.slice(1, -1).split(',');
  if (max === undefined) return { min: Number(min), max: Number(min) };
  return { min: Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) };
}

function refused(what: string): Error {
  return scannerFault('RULES_INVALID', `a regular expression ${what}`);
}
