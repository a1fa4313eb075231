/** Tests short texts against a regular expression in linear time. */
import { scannerFault } from '../faults.ts';
import { createMatcher } from './matcher.ts';
import { compile } from './program.ts';
import { parseRegex, type RegexOptions } from './regex-syntax.ts';

export type TextTest = (text: string | Buffer) => boolean;

const maxSteps = 200_000_000;

/** @throws Fault RULES_INVALID; the test itself throws SCAN_TOO_COSTLY for a long text that was made to be slow */
export function textTest(source: string, options: RegexOptions = {}): TextTest {
  const matcher = createMatcher(compile(parseRegex(source, options)));
  return (text) => {
    const bytes = Buffer.from(text);
    let left = maxSteps;
    const spend = (steps: number): void => {
      left -= steps;
      if (left < 0) throw scannerFault('SCAN_TOO_COSTLY', 'a text takes too long to search');
    };
    return matcher.match(bytes, { earliest: 0, latest: bytes.length }, spend) !== undefined;
  };
}
