/** Tables for spreadsheets (RFC 4180). */

/** A spreadsheet takes cells that begin so for formulas, also between quotes. */
const formula = /^[=+\-@\t\r]/;

/** One line of a table, with its end. */
export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(cellText).join(',')}\r\n`;
}

function cellText(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
