import { expect, test } from 'vitest';
import { judged, report } from './formats.fixture.ts';
import { formatReport } from './formats.ts';
import { sortedReport } from './json.ts';
import { parseReport } from './read-report.ts';

const written = formatReport('json', judged);

test('reads what was written, without the verdict', () => {
  expect(parseReport(Buffer.from(written), 'report.json')).toEqual(
    JSON.parse(JSON.stringify(sortedReport(report))),
  );
});

test.each([
  ['cut in half', written.slice(0, written.length / 2)],
  ['not UTF-8', Buffer.from([0x7b, 0xff])],
  ['of another form', written.replace('"form": 1', '"form": 2')],
  ['with a severity that is none', written.replace('"severity": "high"', '"severity": "awful"')],
  ['with a digest that is none', written.replace(/"layer": "sha256:[0-9a-f]+"/, '"layer": "sha256:1"')],
  ['deep', `${'['.repeat(100_000)}`],
  ['a list', '[]'],
])('refuses one that is %s', (_, text) => {
  expect(() => parseReport(Buffer.from(text), 'report.json')).toThrow(
    expect.objectContaining({ code: 'REPORT_INVALID' }),
  );
});

test('a prototype in it is data', () => {
  const parsed = parseReport(
    Buffer.from(written.replace('"form": 1', '"form": 1, "__proto__": {"polluted": true}')),
    'report.json',
  );
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  expect('polluted' in parsed).toBe(false);
});
