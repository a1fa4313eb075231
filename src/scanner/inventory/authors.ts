/** Who made a package of a language, as it says itself: `Name <address>`. */
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import { named } from './text.ts';

const longest = 200;

/** A text, or an object with `name` and `email`; anything else, or what is too long for a name, is nobody. */
export function authorOf(value: JsonValue | undefined): string | undefined {
  return isJsonObject(value) ? author(named(value['name']), named(value['email'])) : author(named(value));
}

/** Either may be missing. */
export function author(name: string | undefined, email?: string): string | undefined {
  const text = name !== undefined && email !== undefined ? `${name} <${email}>` : (name ?? email);
  return text === undefined || text.length > longest || text === 'UNKNOWN' ? undefined : text;
}
