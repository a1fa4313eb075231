/**
 * Parses `Field: value` lines with continuations, in stanzas separated by empty lines: dpkg, and the metadata of Python.
 * Sources: Debian policy, 5.1; Python packaging user guide, "Core metadata specifications" (RFC 822).
 */
import { linesOf } from './text.ts';

/** Maps fields in lower case to values. The first value of a repeated field counts. */
export type Stanza = ReadonlyMap<string, string>;

/** Reads only these fields, in lower case, since descriptions are most of a status file. */
export function* stanzasOf(content: Buffer, fields: ReadonlySet<string>): Generator<Stanza> {
  let current = new Map<string, string>();
  for (const line of linesOf(content)) {
    if (line.trim() !== '') addField(current, line, fields);
    else if (current.size > 0) {
      yield current;
      current = new Map();
    }
  }
  if (current.size > 0) yield current;
}

/** Reads the fields before the first empty line. */
export function firstStanza(content: Buffer, fields: ReadonlySet<string>): Stanza {
  const stanza = new Map<string, string>();
  let hasBegun = false;
  for (const line of linesOf(content)) {
    if (line === '' && hasBegun) break;
    hasBegun ||= line !== '';
    addField(stanza, line, fields);
  }
  return stanza;
}

/** All values of a repeatable field of the first stanza. `field` is in lower case. */
export function valuesOf(content: Buffer, field: string, most: number): string[] {
  const values: string[] = [];
  let hasBegun = false;
  for (const line of linesOf(content)) {
    if ((line === '' && hasBegun) || values.length === most) break;
    hasBegun ||= line !== '';
    if (line[field.length] === ':' && line.slice(0, field.length).toLowerCase() === field)
      values.push(line.slice(field.length + 1).trim());
  }
  return values;
}

function addField(stanza: Map<string, string>, line: string, fields: ReadonlySet<string>): void {
  if (line.startsWith(' ') || line.startsWith('\t')) return;
  const colon = line.indexOf(':');
  if (colon < 0) return;
  const field = line.slice(0, colon).toLowerCase();
  if (fields.has(field) && !stanza.has(field)) stanza.set(field, line.slice(colon + 1).trim());
}
