import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPatternSet, openPatternScan, type PatternSink, scanBytes } from './pattern-scan.ts';
import { parseRegex } from './regex-syntax.ts';

function collect(): PatternSink & { readonly texts: string[] } {
  const texts: string[] = [];
  return {
    texts,
    wants: () => true,
    found: ({ pattern, bytes, match, base }) => {
      texts.push(`${pattern} ${base + match.start} ${bytes.toString('latin1', match.start, match.end)}`);
    },
  };
}

const set = createPatternSet([
  parseRegex('token=[a-z]{3,}'),
  parseRegex('[xy]{2,9}keys'),
  parseRegex('\\bwordy\\b'),
]);

test('each match is reported once', () => {
  const sink = collect();
  scanBytes(set, Buffer.from('token=abc TOKEN=abc token=def xxkeysxykeys wordy wordyy'), sink);
  expect(sink.texts).toEqual(['0 0 token=abc', '0 20 token=def', '1 30 xxkeys', '1 36 xykeys', '2 43 wordy']);
});

test('pieces give the same matches as the whole', () => {
  const filler = '.'.repeat(5000);
  const text = `token=abc${filler}token=${'q'.repeat(3000)} ${filler}xxkeys wordy${filler}token=end`;
  const whole = collect();
  scanBytes(set, Buffer.from(text), whole);
  expect(whole.texts).toHaveLength(5);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 8 }), (sizes) => {
      const sink = collect();
      const scan = openPatternScan(set, sink);
      for (let at = 0, turn = 0; at < text.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        const piece = Buffer.from(text.slice(at, at + size));
        scan.push(piece);
        piece.fill(0);
        at += size;
      }
      scan.end();
      expect(sink.texts).toEqual(whole.texts);
    }),
    { numRuns: 60 },
  );
});

test('unwanted patterns are not matched', () => {
  let asked = 0;
  const sink = collect();
  const wants = (pattern: number) => pattern === 1 && asked++ < 1;
  scanBytes(set, Buffer.from('token=abc xxkeys yykeys'), { ...sink, wants });
  expect(sink.texts).toEqual(['1 10 xxkeys']);
});

test('a file that was made to be slow is refused, instead of matched for minutes', () => {
  const slow = createPatternSet([parseRegex('aaaa[a-z ]*(?:[a-z]* [a-z]*)*!')]);
  const bytes = Buffer.alloc(100_000, 'aaaa ');
  expect(() => scanBytes(slow, bytes, collect())).toThrow(
    expect.objectContaining({ code: 'SCAN_TOO_COSTLY' }),
  );
});

test('a pattern that every byte could begin is refused', () => {
  expect(() => createPatternSet([parseRegex('[a-f0-9]{32}')])).toThrow('no four bytes in a row');
});
