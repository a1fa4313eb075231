/** A part of a scan's table: a title, and rows under it. */
import type { Colors } from '../io.ts';
import { type Column, renderTable } from '../table.ts';

export interface TableStyle {
  readonly width: number | undefined;
  readonly colors: Colors;
  /** Shows everything: all columns, all rows, findings declared harmless. */
  readonly isWide: boolean;
}

/** Starts with an empty line. */
export function sectionOf<Item>(
  title: string,
  count: number,
  columns: readonly Column<Item>[],
  rows: readonly Item[],
  { width, colors }: TableStyle,
): string[] {
  return [
    '',
    `${colors.bold(title)} (${count})`,
    ...renderTable(columns, rows, { width, title: colors.dim }),
  ];
}
