/**
 * `Field: value` lines with continuations, stanzas parted by an empty line: dpkg, and the metadata of Python.
 * Sources: Debian policy, 5.1; Python packaging user guide, "Core metadata specifications" (RFC 822).
 */

/** Field, in lower case → value; of a field that comes twice the first is kept. */
export type Stanza = ReadonlyMap<string, string>;

/** Only the fields that are asked for, in lower case: descriptions are most of a status file. */
export function stanzasOf(text: string, fields: ReadonlySet<string>): Stanza[] {
  const stanzas: Stanza[] = [];
  let current = new Map<string, string>();
  const finish = (): void => {
    if (current.size > 0) stanzas.push(current);
    current = new Map();
  };
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    if (isBlank(text, at, end)) finish();
    else addField(current, text, at, end, fields);
    at = end + 1;
  }
  finish();
  return stanzas;
}

/** The fields before the first empty line. */
export function firstStanza(text: string, fields: ReadonlySet<string>): Stanza {
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  return stanzasOf(text.slice(0, end), fields)[0] ?? new Map();
}

function isBlank(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x09 && code !== 0x0d) return false;
  }
  return true;
}

function addField(
  stanza: Map<string, string>,
  text: string,
  from: number,
  to: number,
  fields: ReadonlySet<string>,
): void {
  const first = text.charCodeAt(from);
  if (first === 0x20 || first === 0x09) return;
  const colon = text.indexOf(':', from);
  if (colon < 0 || colon >= to) return;
  const field = text.slice(from, colon).toLowerCase();
  if (fields.has(field) && !stanza.has(field)) stanza.set(field, text.slice(colon + 1, to).trim());
}
