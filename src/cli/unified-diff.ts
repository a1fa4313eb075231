/** The unified form of what differs between two texts, as `diff -u` writes it. */
import { type DiffEntry, diff } from 'node:util';

type Mark = ' ' | '-' | '+';
type MarkedLine = readonly [mark: Mark, line: string];

/** Unchanged lines around a change. */
const context = 3;
/** Between the first and the last line that differ, of both texts. With more, the comparison takes hundreds of megabytes. */
const mostLines = 3000;
const marks: Readonly<Record<DiffEntry[0], Mark>> = { '0': ' ', '1': '-', '-1': '+' };

/** Without the names of files. Undefined when too much lies between the first and the last change. */
export function unifiedDiff(before: string, after: string): readonly string[] | undefined {
  const [old, now] = [linesOf(before), linesOf(after)];
  const least = Math.min(old.length, now.length);
  let head = 0;
  while (head < least && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < least - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  const [oldMiddle, nowMiddle] = [old.slice(head, old.length - tail), now.slice(head, now.length - tail)];
  if (oldMiddle.length + nowMiddle.length > mostLines) return undefined;
  const middle = compared(oldMiddle, nowMiddle);
  const same = (lines: readonly string[]) => lines.map((line): MarkedLine => [' ', line]);
  return hunksOf([...same(old.slice(0, head)), ...middle, ...same(old.slice(old.length - tail))]);
}

/** With their line feeds, so that a text without the last one differs. */
function linesOf(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

function compared(old: readonly string[], now: readonly string[]): readonly MarkedLine[] {
  // Node compares no texts of which one is empty.
  if (old.length === 0 || now.length === 0)
    return [...old.map((line): MarkedLine => ['-', line]), ...now.map((line): MarkedLine => ['+', line])];
  return diff(old, now).map(([operation, line]): MarkedLine => [marks[operation], line]);
}

function hunksOf(lines: readonly MarkedLine[]): readonly string[] {
  const shown: string[] = [];
  // Lines of both texts before the current one.
  const passed = { old: 0, now: 0 };
  let hunk: MarkedLine[] = [];
  let start = { ...passed };
  const end = () => {
    if (hunk.length > 0) shown.push(headOf(hunk, start), ...hunk.flatMap(textOf));
    hunk = [];
  };
  for (const [at, line] of lines.entries()) {
    const isNear = lines.slice(Math.max(0, at - context), at + context + 1).some(([mark]) => mark !== ' ');
    if (!isNear) end();
    else {
      if (hunk.length === 0) start = { ...passed };
      hunk.push(line);
    }
    if (line[0] !== '+') passed.old++;
    if (line[0] !== '-') passed.now++;
  }
  end();
  return shown;
}

function headOf(hunk: readonly MarkedLine[], start: { readonly old: number; readonly now: number }): string {
  const range = (before: number, without: Mark) => {
    const count = hunk.filter(([mark]) => mark !== without).length;
    // An empty range is named by the line before it.
    return `${count === 0 ? before : before + 1},${count}`;
  };
  return `@@ -${range(start.old, '+')} +${range(start.now, '-')} @@`;
}

function textOf([mark, line]: MarkedLine): readonly string[] {
  return line.endsWith('\n')
    ? [`${mark}${line.slice(0, -1)}`]
    : [`${mark}${line}`, '\\ No newline at end of file'];
}
