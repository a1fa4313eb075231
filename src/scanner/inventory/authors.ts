/** Reads the author that a language's package states: `Name <address>`. */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { named } from './text.ts';

const longest = 200;

/** Accepts a text, or an object with `name` and `email`. Undefined for anything else, or when it is too long for a name. */
export function authorOf(value: JsonValue | undefined): string | undefined {
  return isJsonObject(value) ? author(named(value['name']), named(value['email'])) : author(named(value));
}

/** Either part may be missing. */
export function author(name: string | undefined, email?: string): string | undefined {
  const text = name !== undefined && email !== undefined ? `${name} <${email}>` : (name ?? email);
  return text === undefined || text.length > longest || text === 'UNKNOWN' ? undefined : text;
}
