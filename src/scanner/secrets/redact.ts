/**
 * A secret as it may be shown: enough to tell which it is, never enough to use. Its ends, where it is long, and then
 * at most a fifth of it.
 */
export function redact(secret: string): string {
  const shown = secret.length >= 30 ? 4 : secret.length >= 20 ? 2 : 0;
  const ends = (text: string) => text.replaceAll(/[^\x21-\x7e]/g, '?');
  if (shown === 0) return '***';
  return `${ends(secret.slice(0, shown))}***${ends(secret.slice(-Math.floor(shown / 2)))}`;
}
