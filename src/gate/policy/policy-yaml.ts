/**
 * Reads the YAML of a policy: small, without aliases (a few of them can expand beyond any memory), and without duplicate
 * keys. It keeps the place of each value, so that a problem says where it is.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml';
import type { PolicyProblem, TextPosition } from './policy-problem.ts';

const maxBytes = 256 * 1024;
const start: TextPosition = { line: 1, column: 1 };

export interface PolicyText {
  /** The content; null if there are problems. */
  readonly value: unknown;
  /** Problems of the YAML itself. */
  readonly problems: readonly PolicyProblem[];
  /** Returns the place of a key or a list item; for a missing one, the place of the map or list around it. */
  placeOf(path: readonly PropertyKey[]): TextPosition;
}

export function readPolicyText(text: string): PolicyText {
  if (Buffer.byteLength(text) > maxBytes) return unread(start, `it has more than ${maxBytes} bytes`);
  const counter = new LineCounter();
  const at = (offset: number): TextPosition => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  try {
    // The parser's own search for duplicate keys takes quadratic time.
    const document = parseDocument(text, {
      strict: true,
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: counter,
    });
    const wrong = [...document.errors, ...document.warnings].map(({ pos, message }) =>
      problemAt(at(pos[0]), message.split('\n', 1)[0] ?? ''),
    );
    const problems = [...wrong, ...refusedNodes(document, at)];
    const value = problems.length === 0 ? document.toJS({ maxAliasCount: 0 }) : null;
    return { value, problems, placeOf: (path) => placeIn(document, path, at) };
  } catch (error) {
    // Deeply nested lists overflow the stack of the parser.
    return unread(start, error instanceof RangeError ? 'it is nested too deeply' : String(error));
  }
}

function unread(place: TextPosition, message: string): PolicyText {
  return { value: null, problems: [problemAt(place, message)], placeOf: () => place };
}

function problemAt(place: TextPosition, message: string): PolicyProblem {
  return { ...place, path: '', message };
}

/** Refuses aliases and duplicate keys. */
function refusedNodes(document: Document, at: (offset: number) => TextPosition): PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  visit(document, (_key, node) => {
    if (isAlias(node)) {
      problems.push(
        problemAt(at(node.range?.[0] ?? 0), 'aliases (*name) are not allowed: write the value out'),
      );
    }
    if (!isMap(node)) return;
    const keys = new Set<string>();
    for (const { key } of node.items) {
      if (!isScalar(key)) continue;
      const name = String(key.value);
      if (keys.has(name)) problems.push(problemAt(at(key.range?.[0] ?? 0), `'${name}' appears twice`));
      keys.add(name);
    }
  });
  return problems;
}

function placeIn(
  document: Document,
  path: readonly PropertyKey[],
  at: (offset: number) => TextPosition,
): TextPosition {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = pairsOf(node).get(String(step));
      if (pair === undefined) break;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else {
      const item = isNode(node) && 'items' in node ? node.items[Number(step)] : undefined;
      if (!isNode(item)) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    }
  }
  return at(offset);
}

/** Cached, so that a map with thousands of wrong keys is read once. */
const known = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

function pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const pairs =
    known.get(map) ??
    new Map(
      map.items.flatMap((pair) => (isScalar(pair.key) ? [[String(pair.key.value), pair] as const] : [])),
    );
  known.set(map, pairs);
  return pairs;
}
