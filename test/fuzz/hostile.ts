/** Values that have broken parsers, routers and type checks before, and mutations of valid input. */
import fc from 'fast-check';
import type { JsonValue } from '../../src/lib/index.ts';

const texts: readonly string[] = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '../../etc/passwd',
    '/',
    '//',
    '\\',
    '~',
    '_',
    '-',
    '*',
    '?',
    '#',
    '%',
    '%00',
    '%2e%2e%2f',
  ],
  ...[
    '\0',
    'a\0b',
    '\r\nX-Injected: 1',
    '\n',
    '\t',
    '\u2028',
    '\u202e',
    '\ufeff',
    '\ud800',
    '\udfff',
    'é',
    'ß',
    'İ',
  ],
  ...[
    '😀',
    'ﷺ',
    'ａ',
    '名前',
    'null',
    'undefined',
    'true',
    'NaN',
    '0',
    '-1',
    '1e309',
    '0x10',
    '9007199254740993',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'then',
    'length',
    'toJSON',
  ],
  ...[
    "' OR 1=1 --",
    '"',
    '`',
    '$' + '{7*7}',
    '{{7*7}}',
    '<script>',
    '[]',
    '{}',
    '[object Object]',
    'data:,x',
  ],
  ...[
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'latest',
    'sha256:',
    `sha256:${'0'.repeat(64)}`,
    '1.2.3',
    '1:2-3~4',
  ],
  ...[
    '9999-99-99',
    '2024-02-30T25:61:61Z',
    '1970-01-01',
    '* * * * * *',
    '(a+)+$',
    'a'.repeat(300),
    'a'.repeat(5000),
  ],
];
const numbers: readonly number[] = [
  ...[
    0,
    -0,
    1,
    -1,
    0.1,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    2 ** 63,
    -(2 ** 31),
    1e21,
    1e308,
    5e-324,
  ],
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...texts) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 40 }) },
);

const deep: fc.Arbitrary<JsonValue> = fc.integer({ min: 50, max: 1500 }).map((depth) => {
  let value: JsonValue = 0;
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value };
  return value;
});

export const hostileJson: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  {
    weight: 3,
    arbitrary: fc.constantFrom<JsonValue>(...numbers, null, true, false, [], {}, [[]], [null], [{}]),
  },
  {
    weight: 1,
    arbitrary: fc.dictionary(hostileText, fc.constantFrom<JsonValue>(null, 1, 'x', [], {}), { maxKeys: 4 }),
  },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }).map((value) => value as JsonValue) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom<JsonValue>(null, 1, 'x', {}), { minLength: 1, maxLength: 200 }),
  },
);
/** Used rarely, because it costs time everywhere. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 60, arbitrary: hostileJson },
  { weight: 1, arbitrary: deep },
);

interface JsonEdit {
  readonly at: number;
  readonly how: 'replace' | 'extend' | 'remove' | 'rename' | 'add' | 'wrap' | 'repeat';
  readonly key: string;
  readonly value: JsonValue;
}
const jsonEdit: fc.Arbitrary<JsonEdit> = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom(
    ...(['replace', 'replace', 'replace', 'extend', 'extend', 'remove', 'rename', 'add'] as const),
    ...(['wrap', 'repeat'] as const),
  ),
  key: hostileText,
  value: anyJson,
});

/** One of `seeds` with parts of it replaced, extended, removed, renamed, added, wrapped or repeated. */
export function mutatedJson(seeds: readonly JsonValue[]): fc.Arbitrary<JsonValue> {
  return fc.tuple(fc.constantFrom(...seeds), fc.array(jsonEdit, { maxLength: 4 })).map(([seed, edits]) =>
    // Copies, so that an edit does not affect the next input.
    edits.map((edit) => structuredClone(edit)).reduce(edited, structuredClone(seed)),
  );
}

type Container = Record<string, JsonValue> | JsonValue[];

function edited(root: JsonValue, { at, how, key, value }: JsonEdit): JsonValue {
  const places = placesOf(root);
  const place = places[at % (places.length + 1)];
  if (place === undefined) return how === 'wrap' ? [root] : how === 'replace' ? value : root;
  const { holder, name } = place;
  const before = (holder as Record<string, JsonValue>)[name] ?? null;
  const put = (field: string, what: JsonValue) =>
    Object.defineProperty(holder, field, {
      value: what,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  if (how === 'replace') put(name, value);
  else if (how === 'extend') put(name, typeof before === 'string' ? before + key : value);
  else if (how === 'wrap') put(name, [before]);
  else if (how === 'repeat') put(name, Array.isArray(before) ? [...before, ...before] : [before, before]);
  else if (how === 'remove') removeFrom(holder, name);
  else if (!Array.isArray(holder)) {
    if (how === 'rename') removeFrom(holder, name);
    put(key, how === 'rename' ? before : value);
  }
  return root;
}

function removeFrom(holder: Container, name: string): void {
  if (Array.isArray(holder)) holder.splice(Number(name), 1);
  else delete holder[name];
}

/** Every value in it with its parent, except those too deep to walk. */
function placesOf(root: JsonValue): { holder: Container; name: string }[] {
  const found: { holder: Container; name: string }[] = [];
  const open: { value: JsonValue; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = open.pop(); next !== undefined && found.length < 5000; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null || depth > 40) continue;
    for (const name of Object.keys(value)) {
      found.push({ holder: value as Container, name });
      open.push({ value: (value as Record<string, JsonValue>)[name] ?? null, depth: depth + 1 });
    }
  }
  return found;
}

interface ByteEdit {
  readonly at: number;
  readonly how: 'flip' | 'insert' | 'remove' | 'overwrite' | 'cut' | 'repeat' | 'number';
  readonly count: number;
  readonly bytes: Uint8Array;
}
const byteEdit: fc.Arbitrary<ByteEdit> = fc.record({
  at: fc.nat(1_000_000),
  how: fc.constantFrom('flip', 'flip', 'insert', 'remove', 'overwrite', 'cut', 'repeat', 'number', 'number'),
  count: fc.integer({ min: 1, max: 64 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
});
const bounds = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/**
 * One of `seeds` with bits flipped, pieces inserted, removed, repeated or overwritten, numbers set to bounds, or its
 * end cut off.
 */
export function mutatedBytes(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  return fc
    .tuple(fc.constantFrom(...seeds), fc.array(byteEdit, { maxLength: 6 }))
    .map(([seed, edits]) => edits.reduce(editedBytes, Buffer.from(seed)));
}

function editedBytes(before: Buffer, { at, how, count, bytes }: ByteEdit): Buffer {
  if (before.length === 0) return Buffer.from(bytes);
  const place = at % before.length;
  const [head, tail] = [before.subarray(0, place), before.subarray(place)];
  const changed = Buffer.from(before);
  switch (how) {
    case 'flip':
      changed[place] = (changed[place] ?? 0) ^ (1 << (count % 8));
      return changed;
    case 'overwrite':
      Buffer.from(bytes).copy(changed, place);
      return changed;
    case 'number':
      if (place + 4 <= changed.length) changed.writeUInt32LE(bounds[count % bounds.length] ?? 0, place);
      return changed;
    case 'insert':
      return Buffer.concat([head, bytes, tail]);
    case 'remove':
      return Buffer.concat([head, tail.subarray(count)]);
    case 'repeat':
      return Buffer.concat([head, tail.subarray(0, count * 16), tail]);
    case 'cut':
      return Buffer.from(head);
  }
}

/** The same for text: mutations of its bytes, and of the words between its punctuation. */
export function mutatedText(seeds: readonly string[]): fc.Arbitrary<string> {
  const words = fc
    .tuple(
      fc.constantFrom(...seeds),
      fc.array(fc.tuple(fc.nat(10_000), hostileText), { minLength: 1, maxLength: 3 }),
    )
    .map(([seed, edits]) => edits.reduce(withWord, seed));
  return fc.oneof(
    { weight: 3, arbitrary: words },
    {
      weight: 2,
      arbitrary: mutatedBytes(seeds.map((seed) => Buffer.from(seed))).map((bytes) => bytes.toString()),
    },
    { weight: 1, arbitrary: hostileText },
  );
}

function withWord(text: string, [at, word]: readonly [number, string]): string {
  const parts = text.split(/([\s:,=/"'[\]{}<>&?;]+)/);
  parts[at % parts.length] = word;
  return parts.join('');
}

/** A document with mutations of its JSON, of its bytes, or with none. */
export function mutatedDocument(seeds: readonly JsonValue[]): fc.Arbitrary<Buffer> {
  const written = seeds.map((seed) => Buffer.from(JSON.stringify(seed)));
  return fc.oneof(
    { weight: 6, arbitrary: mutatedJson(seeds).map((value) => Buffer.from(JSON.stringify(value))) },
    { weight: 2, arbitrary: mutatedBytes(written) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...['[', '{"a":', '[{"":'].map((open) => Buffer.from(open.repeat(20_000)))),
    },
  );
}

/** The input for display: short, and without control characters for a terminal. */
export function shownBytes(bytes: Uint8Array): string {
  const text = JSON.stringify(Buffer.from(bytes.subarray(0, 400)).toString('latin1'));
  return bytes.length > 400 ? `${text}… (${bytes.length} bytes)` : text;
}
