/**
 * Splits a Dockerfile into instructions and words, each with its position in the text. Handles comments, continued
 * lines with the escape that the first lines can choose, and here-documents, whose lines are not instructions.
 * Source: Docker, "Dockerfile reference".
 */

export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface Instruction {
  /** In upper case. */
  readonly name: string;
  /** Counted from 1. */
  readonly line: number;
  readonly words: readonly Word[];
}

interface Line {
  readonly text: string;
  readonly start: number;
}

const comment = /^\s*#/;
const blank = /^\s*$/;
const directive = /^#\s*([a-z]+)\s*=\s*(\S*)\s*$/i;
/** `<<EOF`, `<<-EOF`, `<<"EOF"` */
const hereDocument = /<<-?\s*(["']?)([A-Za-z_][\w.-]*)\1/g;
const withHereDocuments = new Set(['ADD', 'COPY', 'RUN']);

export function* readInstructions(text: string): Generator<Instruction> {
  const lines = linesOf(text);
  const continues = continuation(lines);
  let at = 0;
  while (at < lines.length) {
    const first = lines[at];
    if (first === undefined || blank.test(first.text) || comment.test(first.text)) {
      at++;
      continue;
    }
    const number = at + 1;
    const pieces: Line[] = [];
    for (let goesOn = true; goesOn && at < lines.length; at++) {
      const line = lines[at];
      // Docker skips these in the middle of an instruction.
      if (line === undefined || (pieces.length > 0 && (blank.test(line.text) || comment.test(line.text))))
        continue;
      const end = continues(line.text);
      goesOn = end !== undefined;
      pieces.push(end === undefined ? line : { text: line.text.slice(0, end), start: line.start });
    }
    const [name, ...words] = wordsOf(pieces);
    if (name === undefined) continue;
    const instruction = { name: name.text.toUpperCase(), line: number, words };
    yield instruction;
    if (withHereDocuments.has(instruction.name)) at = skipHereDocuments(pieces, lines, at);
  }
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const line of text.split('\n')) {
    lines.push({ text: line, start });
    start += line.length + 1;
  }
  return lines;
}

/** Finds the end of a line that continues on the next; undefined when it does not. */
function continuation(lines: readonly Line[]): (line: string) => number | undefined {
  let mark = '\\';
  for (const { text } of lines) {
    const [, name, value] = directive.exec(text) ?? [];
    if (name === undefined) break;
    if (name.toLowerCase() === 'escape' && value === '`') mark = '`';
  }
  return (line) => {
    const plain = line.trimEnd();
    if (!plain.endsWith(mark) || plain.endsWith(mark + mark)) return undefined;
    return plain.length - 1;
  };
}

/** A word can begin on one line and end on the next. */
function wordsOf(pieces: readonly Line[]): Word[] {
  const words: Word[] = [];
  let word: { text: string; start: number; end: number } | undefined;
  for (const { text, start } of pieces) {
    for (let at = 0; at < text.length; at++) {
      const char = text.charAt(at);
      if (/\s/.test(char)) {
        if (word !== undefined) words.push(word);
        word = undefined;
        continue;
      }
      word ??= { text: '', start: start + at, end: start + at };
      word.text += char;
      word.end = start + at + 1;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

function skipHereDocuments(pieces: readonly Line[], lines: readonly Line[], from: number): number {
  const ends = [
    ...pieces
      .map(({ text }) => text)
      .join('')
      .matchAll(hereDocument),
  ].map((match) => ({
    word: match[2] ?? '',
    isIndented: match[0].startsWith('<<-'),
  }));
  let at = from;
  for (const { word, isIndented } of ends) {
    for (; at < lines.length; at++) {
      const line = lines[at]?.text.replace(/\r$/, '') ?? '';
      if ((isIndented ? line.replace(/^\t+/, '') : line) === word) break;
    }
    at++;
  }
  return at;
}
