/**
 * Text from outside on its way to a terminal. Strangers write names, logs and error texts, and a terminal obeys
 * control sequences, so control characters become visible. Files and pipes get the text as it is.
 */
import { createRequire } from 'node:module';

/** One line: every control character is escaped. */
export function printableLine(text: string): string {
  return text.replaceAll(controls, visible);
}

/** Several lines: keeps line feeds and tabs. */
export function printableText(text: string): string {
  return text.replaceAll(controlsButLines, visible);
}

/** The start of a line that fits into `columns` of a terminal, without half characters. */
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

// Includes the marks that reorder text, which can make a line look different from what it is.
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

/** The number of terminal columns that a line takes. Loads Unicode's tables only for lines beyond ASCII. */
export function columnsOf(line: string): number {
  if (/^[ -~]*$/.test(line)) return line.length;
  const widths: typeof import('string-width') = createRequire(import.meta.url)('string-width');
  return widths.default(line);
}
