/** Makes text from images and packages safe to show: on one line, without characters that control a terminal or a log. */

/** Control and format characters, lone surrogates, line and paragraph separators. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;

/** @param limit most characters; a longer text ends in `…` */
export function plainText(text: string, limit = 200): string {
  const seen = text.slice(0, limit * 4).replaceAll(unseen, '\u{fffd}');
  return seen.length <= limit && text.length <= limit * 4 ? seen : `${cut(seen, limit - 1)}…`;
}

/** `3 secrets`, `1 secret`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** Does not cut through a surrogate pair. */
function cut(text: string, limit: number): string {
  return text.slice(0, limit).replace(/[\ud800-\udbff]$/, '');
}
