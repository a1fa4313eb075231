/**
 * Parses a regular expression to a pattern of bytes. The language is what YARA and RE2 have in common: classes, groups,
 * choices, greedy and lazy repetition, `^ $ \b \B`. It refuses what can't be matched in linear time or is not needed:
 * back-references, lookaround, named groups, Unicode properties.
 *
 * An expression may begin with `(?i)` or `(?s)`. The first group `(…)` is the core of a match; `(?:…)` only groups.
 */
import { scannerFault } from '../faults.ts';
import {
  anyByte,
  type ByteSet,
  blanks,
  bytesPattern,
  caselessOf,
  choiceOf,
  complementOf,
  digits,
  lengthOf,
  type Pattern,
  setOf,
  setOfRange,
  unionOf,
  wordBytes,
} from './pattern.ts';

export interface RegexOptions {
  readonly caseless?: boolean | undefined;
  /** `.` matches any byte; otherwise any but a line feed. */
  readonly dotAll?: boolean | undefined;
  /** `^` and `$` match at the ends of lines; otherwise only at the ends of the whole. */
  readonly lines?: boolean | undefined;
}

const maxSourceLength = 4096;
const maxDepth = 20;
const maxRepeat = 1000;
const quantifier = /^(?:[*+?]|\{(?:\d{1,4}(?:,\d{0,4})?|,\d{1,4})\})/;

/** The bytes of escapes. */
const escapedBytes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11, a: 7 };
const escapedSets: Readonly<Record<string, ByteSet>> = {
  d: digits,
  D: complementOf(digits),
  w: wordBytes,
  W: complementOf(wordBytes),
  s: blanks,
  S: complementOf(blanks),
};

/** @throws Fault RULES_INVALID */
export function parseRegex(source: string, options: RegexOptions = {}): Pattern {
  if (source.length > maxSourceLength) throw refused(`is longer than ${maxSourceLength} characters`);
  const flags = /^\(\?([is]{1,2})\)/.exec(source)?.[1] ?? '';
  const parser = new RegexParser(flags === '' ? source : source.slice(flags.length + 3), {
    caseless: options.caseless === true || flags.includes('i'),
    dotAll: options.dotAll === true || flags.includes('s'),
    lines: options.lines === true,
  });
  return parser.whole();
}

interface ParserOptions {
  readonly caseless: boolean;
  readonly dotAll: boolean;
  readonly lines: boolean;
}

/** Recursive descent: a method for each level of the grammar, the weakest binding first. */
class RegexParser {
  readonly #source: string;
  readonly #options: ParserOptions;
  #at = 0;
  #depth = 0;
  #hasCore = false;

  constructor(source: string, options: ParserOptions) {
    this.#source = source;
    this.#options = options;
  }

  whole(): Pattern {
    const pattern = this.#choice();
    if (!this.#isOver()) throw refused("has an unmatched ')'");
    return pattern;
  }

  #byteOf(set: ByteSet): Pattern {
    return { kind: 'byte', set: this.#options.caseless ? caselessOf(set) : set };
  }

  #choice(): Pattern {
    if (++this.#depth > maxDepth) throw refused(`nests deeper than ${maxDepth}`);
    const alternatives = [this.#sequence()];
    while (this.#skip('|')) alternatives.push(this.#sequence());
    this.#depth--;
    return choiceOf(alternatives);
  }

  #sequence(): Pattern {
    const parts: Pattern[] = [];
    while (!this.#isOver() && this.#next !== '|' && this.#next !== ')') {
      parts.push(this.#repeated(this.#single()));
    }
    return { kind: 'sequence', parts };
  }

  #single(): Pattern {
    const char = String.fromCodePoint(this.#source.codePointAt(this.#at) ?? 0);
    this.#at += char.length;
    if (char === '(') return this.#group();
    if (char === '[') return this.#byteOf(this.#bracket());
    if (char === '\\') return this.#escaped();
    if (char === '.') return this.#byteOf(this.#options.dotAll ? anyByte : complementOf(setOf(10)));
    if (char === '^') return { kind: 'edge', edge: this.#options.lines ? 'line-start' : 'start' };
    if (char === '$') return { kind: 'edge', edge: this.#options.lines ? 'line-end' : 'end' };
    if (quantifier.test(this.#source.slice(this.#at - 1, this.#at + 11)))
      throw refused(`has nothing for '${char}' to repeat`);
    return bytesPattern(Buffer.from(char), this.#options.caseless);
  }

  #group(): Pattern {
    const isCore = !this.#skip('?:');
    if (isCore && this.#next === '?') {
      throw refused(`has '(${this.#ahead(2)}', which is not supported`);
    }
    const isFirst = isCore && !this.#hasCore;
    if (isFirst) this.#hasCore = true;
    const part = this.#choice();
    if (!this.#skip(')')) throw refused('has a group that is not closed');
    return isFirst ? { kind: 'core', part } : part;
  }

  #escaped(): Pattern {
    if (this.#skip('b')) return { kind: 'edge', edge: 'word' };
    if (this.#skip('B')) return { kind: 'edge', edge: 'not-word' };
    return this.#byteOf(this.#escapedSet());
  }

  #escapedSet(): ByteSet {
    const char = this.#take();
    const set = escapedSets[char];
    if (set !== undefined) return set;
    if (char === 'x') {
      const hex = /^[0-9a-fA-F]{2}/.exec(this.#ahead(2))?.[0];
      if (hex === undefined) throw refused("has '\\x' without two hex digits");
      this.#at += 2;
      return setOf(Number.parseInt(hex, 16));
    }
    const byte = escapedBytes[char];
    if (byte !== undefined) return setOf(byte);
    if (!/^[!-/:-@[-`{-~ ]$/.test(char)) throw refused(`has '\\${char}', which is not supported`);
    return setOf(char.charCodeAt(0));
  }

  #bracket(): ByteSet {
    const isNegated = this.#skip('^');
    const sets: ByteSet[] = [];
    do {
      if (this.#isOver()) throw refused('has a class that is not closed');
      sets.push(this.#member());
    } while (!this.#skip(']'));
    const union = unionOf(sets);
    return isNegated ? complementOf(this.#options.caseless ? caselessOf(union) : union) : union;
  }

  #member(): ByteSet {
    const from = this.#memberByte();
    if (this.#ahead(2) === '-]' || !this.#skip('-')) return from;
    const to = this.#memberByte();
    const [low, high] = [from.indexOf(1), to.indexOf(1)];
    if (from.lastIndexOf(1) !== low || to.lastIndexOf(1) !== high || low > high) {
      throw refused('has a class with an invalid range');
    }
    return setOfRange(low, high);
  }

  #memberByte(): ByteSet {
    const char = this.#take();
    if (char === '\\') return this.#escapedSet();
    if (char.charCodeAt(0) > 0x7e) throw refused(`has '${char}' in a class, which can only hold ASCII`);
    return setOf(char.charCodeAt(0));
  }

  #repeated(part: Pattern): Pattern {
    const found = quantifier.exec(this.#ahead(12))?.[0];
    if (found === undefined) return part;
    if (lengthOf(part).max === 0) throw refused(`has nothing for '${found}' to repeat`);
    this.#at += found.length;
    const lazy = this.#skip('?');
    const range = rangeOf(found);
    if (range.min > range.max) throw refused(`has '${found}', which is impossible`);
    if (range.min > maxRepeat || (range.max !== Number.POSITIVE_INFINITY && range.max > maxRepeat)) {
      throw refused(`repeats more than ${maxRepeat} times`);
    }
    return { kind: 'repeat', part, ...range, lazy };
  }

  get #next(): string | undefined {
    return this.#source[this.#at];
  }

  #ahead(count: number): string {
    return this.#source.slice(this.#at, this.#at + count);
  }

  #isOver(): boolean {
    return this.#at >= this.#source.length;
  }

  #take(): string {
    return this.#source[this.#at++] ?? '';
  }

  #skip(text: string): boolean {
    const isNext = this.#source.startsWith(text, this.#at);
    if (isNext) this.#at += text.length;
    return isNext;
  }
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
