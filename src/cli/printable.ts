/**
 * Text from outside on its way to a terminal. Names, logs and error texts are written by strangers, and a
 * terminal obeys control sequences, so what is not printable becomes visible. Files and pipes get it as it is.
 */
import { createRequire } from 'node:module';

/** One line: every control character is escaped. */
export function printableLine(text: string): string {
  return text.replaceAll(controls, visible);
}

/** Several lines: line feeds and tabs stay. */
export function printableText(text: string): string {
  return text.replaceAll(controlsButLines, visible);
}

/** The beginning of a line that fits into `columns` of a terminal, with no character cut in half. */
export function headWithin(line: string, columns: number): string {
  let head = '';
  let used = 0;
  for (const { segment } of graphemes.segment(line)) {
    used += columnsOf(segment);
    if (used > columns) break;
    head += segment;
  }
  return head;
}

const graphemes = new Intl.Segmenter();

// Also the marks that reorder text, with which a line can show another order than it has.
const controls = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;
const controlsButLines = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** How many columns of a terminal a line takes. The tables of Unicode are loaded when it has more than ASCII. */
export function columnsOf(line: string): number {
  if (/^[ -~]*$/.test(line)) return line.length;
  const widths: typeof import('string-width') = createRequire(import.meta.url)('string-width');
  return widths.default(line);
}
