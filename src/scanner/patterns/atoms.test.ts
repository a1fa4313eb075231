import { expect, test } from 'vitest';
import { atomsOf, fitsAround, foldByte } from './atoms.ts';
import { parseRegex } from './regex-syntax.ts';
import { randomFrom, sampleOf } from './sample.fixture.ts';

function atoms(source: string): readonly string[] | undefined {
  return atomsOf(parseRegex(source))?.map(
    ({ bytes, minOffset, maxOffset }) => `${Buffer.from(bytes).toString('latin1')} ${minOffset}-${maxOffset}`,
  );
}

test.each([
  ['Password', ['password 0-0']],
  ['[xyz]{2,4}token=', ['token= 2-4']],
  ['(?:AKIA|ASIA)[A-Z]{16}', ['akia 0-0', 'asia 0-0']],
  ['gh[po]_[0-9]+', ['gho_ 0-0', 'ghp_ 0-0']],
  ['_(?:GET|PUT)', ['_get 0-0', '_put 0-0']],
  ['a(?:b|c)?defgh', ['defgh 1-2']],
  ['(?:curl|wget) x', ['curl x 0-0', 'wget x 0-0']],
])('%s has %j', (source, expected) => {
  expect(atoms(source)).toEqual(expected);
});

test.each(['[a-z]+', 'abc', 'a.b.c.d', 'abcd?', '(?:abcdef|x)', '[a-z]{0,1000}[a-z]{0,1000}abcd', '.*abcd'])(
  '%s has no useful atom',
  (source) => {
    expect(atoms(source)).toBeUndefined();
  },
);

test.each([
  '(?i)(?:postgres|mysql)(?:\\+[a-z0-9]{2,12})?://[^\\s:]{0,6}:([^\\s@]{3,8})@[a-z.]{1,9}',
  'eyJ[A-Za-z0-9_-]{10}\\.eyJ[A-Za-z0-9_-]{10}',
  '(?:x|yz){2,3}(?:curl|wget) [^|]{0,9}\\| ?(?:ba)?sh',
])('each match of %s contains an atom at its stated offset', (source) => {
  const pattern = parseRegex(source);
  const found = atomsOf(pattern) ?? [];
  for (let seed = 0; seed < 200; seed++) {
    const sample = Buffer.from(sampleOf(pattern, randomFrom(seed)), 'latin1');
    const text = Buffer.from(sample.map(foldByte));
    const isIn = found.some((atom) => {
      const at = text.indexOf(atom.bytes, atom.minOffset);
      return at >= atom.minOffset && at <= atom.maxOffset && fitsAround(atom, sample, at);
    });
    expect(isIn, `${sample}`).toBe(true);
  }
});

test.each([
  ['[.]get\\(process\\.environment\\[', 'x.get(process.environment[0]', true],
  ['[.]get\\(process\\.environment\\[', 'x.get(process-environment[0]', false],
  ['[.]get\\(process\\.environment\\[', 'x,get(process.environment[0]', false],
  ['(?:curl|wget) http', 'curl http', true],
  ['(?:curl|wget) http', 'curl hope', false],
  ['token=[0-9]', 'token=', false],
  ['[0-9]token=', 'token=', false],
])('the bytes around an atom of %s decide whether %j is a candidate: %s', (source, text, fits) => {
  const bytes = Buffer.from(text);
  const places = (atomsOf(parseRegex(source)) ?? []).map((atom) => ({ atom, at: bytes.indexOf(atom.bytes) }));
  expect(places.some(({ atom, at }) => at >= 0 && fitsAround(atom, bytes, at))).toBe(fits);
});
