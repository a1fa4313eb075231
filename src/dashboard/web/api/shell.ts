/** Commands for a shell such as sh, bash or zsh, with names and values of others in them. */

/** As one word, whatever is in it. */
export function quotedWord(text: string): string {
  return /^[\w/][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * JSON as one word. What a terminal would act on when the word is pasted, or would not show, is escaped: control characters,
 * and those that change the direction of a text.
 */
export function quotedJson(value: unknown): string {
  return quotedWord(JSON.stringify(value).replaceAll(unseen, escaped));
}

/** A path of the API behind its host. The parts are encoded, so that quotes keep all of it together. */
export function quotedUrl(parts: readonly string[], query = ''): string {
  return `"$WARD_APIHOST/${parts.map(encoded).join('/')}${query}"`;
}

const unseen = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('');
}

function encoded(part: string): string {
  return encodeURIComponent(part).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
