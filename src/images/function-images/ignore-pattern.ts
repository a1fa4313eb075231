/**
 * One pattern of an ignore file as a list of tokens, matched against a path in all possible ways at once: the states
 * are positions in the list, so there is no backtracking, and no pattern takes long.
 */

type Token =
  | { readonly kind: 'literal'; readonly char: string }
  /** `?`: one character of a name. */
  | { readonly kind: 'any' }
  /** `*`: any number of characters of a name. */
  | { readonly kind: 'star' }
  /** `**`: any number of characters, including slashes. */
  | { readonly kind: 'everything' }
  /** `**` and a slash: any number of whole folders, or none. */
  | { readonly kind: 'folders' }
  | {
      readonly kind: 'class';
      readonly negated: boolean;
      readonly ranges: readonly (readonly [string, string])[];
    };

export type CompiledPattern = readonly Token[];

const maxTokens = 512;

/** @param refuse creates the error for an invalid pattern */
export function compilePattern(pattern: string, refuse: (why: string) => Error): CompiledPattern {
  const chars = [...pattern];
  const tokens: Token[] = [];
  let at = 0;
  while (at < chars.length) {
    const char = chars[at] ?? '';
    if (char === '[') {
      const { token, next } = readClass(chars, at, refuse);
      tokens.push(token);
      at = next;
    } else if (char === '*') {
      let end = at;
      while (chars[end] === '*') end++;
      const isDouble = end - at > 1;
      const isFolders = isDouble && chars[end] === '/';
      tokens.push({ kind: isFolders ? 'folders' : isDouble ? 'everything' : 'star' });
      at = isFolders ? end + 1 : end;
    } else {
      const isEscaped = char === '\\';
      const literal = isEscaped ? chars[at + 1] : char;
      if (literal === undefined) throw refuse('a backslash at the end');
      tokens.push(char === '?' ? { kind: 'any' } : { kind: 'literal', char: literal });
      at += isEscaped ? 2 : 1;
    }
    if (tokens.length > maxTokens) throw refuse('the pattern is too long');
  }
  return tokens;
}

/** Whether the pattern matches the whole path or one of its parents. */
export function matchesPathOrParent(tokens: CompiledPattern, path: string): boolean {
  let places = new Set<number>();
  reach(tokens, 0, places);
  for (const char of path) {
    // Up to here, the path was the name of a parent folder.
    if (char === '/' && places.has(tokens.length)) return true;
    const next = new Set<number>();
    for (const place of places) advance(tokens, place, char, next);
    if (next.size === 0) return false;
    places = next;
  }
  return places.has(tokens.length);
}

/** The position, and those that need no further character. */
function reach(tokens: CompiledPattern, place: number, into: Set<number>): void {
  into.add(place);
  const kind = tokens[place]?.kind;
  if (kind === 'star' || kind === 'everything' || kind === 'folders') reach(tokens, place + 1, into);
}

/** Inside a folder's name, `folders` stands half a position further. */
const half = 0.5;

function advance(tokens: CompiledPattern, place: number, char: string, next: Set<number>): void {
  const token = tokens[Math.floor(place)];
  if (token === undefined) return;
  const isSlash = char === '/';
  switch (token.kind) {
    case 'literal':
      if (token.char === char) reach(tokens, place + 1, next);
      return;
    case 'any':
      if (!isSlash) reach(tokens, place + 1, next);
      return;
    case 'star':
      if (!isSlash) reach(tokens, place, next);
      return;
    case 'everything':
      reach(tokens, place, next);
      return;
    case 'folders':
      if (isSlash) reach(tokens, Math.floor(place), next);
      else next.add(Math.floor(place) + half);
      return;
    case 'class':
      if (!isSlash && isInClass(token, char)) reach(tokens, place + 1, next);
  }
}

function isInClass(token: Extract<Token, { kind: 'class' }>, char: string): boolean {
  return token.ranges.some(([from, to]) => char >= from && char <= to) !== token.negated;
}

function readClass(
  chars: readonly string[],
  start: number,
  refuse: (why: string) => Error,
): { readonly token: Token; readonly next: number } {
  const unended = () => refuse('a [ without its ]');
  let at = start + 1;
  const negated = chars[at] === '^' || chars[at] === '!';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const read = (): string => {
    if (chars[at] === '\\') at++;
    const char = chars[at++];
    if (char === undefined) throw unended();
    return char;
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const from = read();
    let to = from;
    if (chars[at] === '-' && chars[at + 1] !== ']') {
      at++;
      to = read();
    }
    ranges.push([from, to]);
  }
  return { token: { kind: 'class', negated, ranges }, next: at + 1 };
}
