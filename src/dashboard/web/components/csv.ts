/** Tables for spreadsheets (RFC 4180). */

/** A spreadsheet takes cells that begin so for formulas, also between quotes. */
const formula = /^[=+\-@\t\r]/;

export function csvText(rows: readonly (readonly (string | number)[])[]): string {
  return rows.map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = formula.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
