/** Cleans outside text before it is stored, compared or shown. */

/** Returns one line without control and bidirectional characters, at most `max` characters long. */
export function oneLine(text: string, max: number): string {
  const clean = text
    .slice(0, max * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1).trimEnd()}…` : clean;
}

/** Accepts names, versions and ids: not empty, at most `max` characters, without blanks or control characters. */
export function isPlainWord(value: unknown, max = 512): value is string {
  return typeof value === 'string' && value !== '' && value.length <= max && !/[\p{Cc}\p{Cf}\s]/u.test(value);
}

const idPattern = /^[A-Za-z0-9][A-Za-z0-9._:+~-]{1,127}$/;

export function isAdvisoryId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value);
}

export function isCve(id: string): boolean {
  return /^CVE-\d{4}-\d{4,}$/.test(id);
}

/** Returns an ISO time with milliseconds. Empty when the value is no time, or a placeholder (`0001-01-01`). */
export function isoTime(value: unknown): string {
  if (typeof value !== 'string' || value.length > 40 || !/^[12]\d{3}-\d\d-\d\d/.test(value)) return '';
  // Times without a zone are in UTC.
  const time = Date.parse(/T[\d:.]+$/.test(value) ? `${value}Z` : value);
  return Number.isNaN(time) ? '' : new Date(time).toISOString();
}

export function webAddress(value: unknown): string | undefined {
  return typeof value === 'string' &&
    value.length <= 2048 &&
    /^https?:\/\/[^\s\p{Cc}\p{Cf}<>"]+$/u.test(value)
    ? value
    : undefined;
}
