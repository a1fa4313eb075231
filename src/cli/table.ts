/** Tables for terminals: no borders, aligned columns, two spaces between them; cut only to a given width. */
import { columnsOf, headWithin, printableLine } from './printable.ts';

export interface Column<Item> {
  readonly title: string;
  readonly cell: (item: Item) => string;
  readonly align?: 'right';
  /** Colours a cell after it is cut and aligned. */
  readonly paint?: (text: string, item: Item) => string;
  /** Only with `-o wide`. */
  readonly isWide?: boolean;
  /** Never cut: half an id is useless. */
  readonly isWhole?: boolean;
}

interface TableStyle {
  /** Terminal columns in a line; undefined: unlimited. */
  readonly width: number | undefined;
  readonly title: (text: string) => string;
}

/** One line for the titles and one for each item, without trailing spaces. */
export function renderTable<Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  style: TableStyle,
): string[] {
  const rows = items.map((item) => columns.map((column) => printableLine(column.cell(item))));
  const titles = columns.map((column) => column.title.toUpperCase());
  const widths = columns.map((_, index) =>
    Math.max(...[titles, ...rows].map((row) => columnsOf(row[index] ?? ''))),
  );
  const fitted = fitWidths(
    widths,
    columns.map(({ isWhole }) => isWhole === true),
    style.width,
  );
  const line = (cells: readonly string[], item?: Item) =>
    cells
      .map((cell, index) => {
        const { align, paint } = columns[index] ?? {};
        const text = place(cell, fitted[index] ?? 0, align);
        return item === undefined || paint === undefined ? text : paint(text, item);
      })
      .join('  ')
      .trimEnd();
  return [style.title(line(titles)), ...rows.map((row, index) => line(row, items[index]))];
}

/** `label  value` lines, the values aligned. */
export function renderRecord(fields: readonly (readonly [label: string, value: string])[]): string[] {
  const labelWidth = Math.max(0, ...fields.map(([label]) => columnsOf(label)));
  return fields.map(([label, value]) => `${place(label, labelWidth)}  ${printableLine(value)}`.trimEnd());
}

/** Narrows the widest cuttable columns, down to eight characters each. */
function fitWidths(
  widths: readonly number[],
  isWhole: readonly boolean[],
  available: number | undefined,
): number[] {
  const fitted = [...widths];
  if (available === undefined) return fitted;
  let excess = fitted.reduce((sum, width) => sum + width + 2, -2) - available;
  while (excess > 0) {
    const widest = Math.max(...fitted.filter((_, index) => !isWhole[index]));
    if (widest <= 8) break;
    fitted[fitted.findIndex((width, index) => width === widest && !isWhole[index])] = widest - 1;
    excess--;
  }
  return fitted;
}

function place(cell: string, width: number, align?: 'right'): string {
  const used = columnsOf(cell);
  if (used > width) return place(`${headWithin(cell, width - 1)}…`, width, align);
  const blanks = ' '.repeat(width - used);
  return align === 'right' ? blanks + cell : cell + blanks;
}
