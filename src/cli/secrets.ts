/**
 * Keeps values that look like secrets off screens and out of CI logs: parameters with such a name, and URLs with a
 * password. The server shows them to every key that can read the entity.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { annotationOf, textOf } from './entity-fields.ts';
import type { Input } from './input.ts';
import type { Io } from './io.ts';

export const hidden = '(hidden)';
/** The annotation that hides all parameters, not only those with a name like a secret. */
export const hidesAll = 'hide-parameters';

/** Words in a name: `DB_PASSWORD`, `dbPassword` and `db-password` have the same ones. */
const words = new Set(
  'auth authorization bearer cred creds credential credentials dsn key keys oauth pass passphrase passwd password pin pw pwd secret secrets token tokens'.split(
    ' ',
  ),
);
/** As one word, or as a part of one. */
const parts = /passw|secret|credential|(?:api|access|auth|private|encryption|signing|account)keys?$|token$/;
const urlWithPassword = /^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]*:[^/\s@]+@/i;
const deepest = 32;

export function looksSecret(name: string): boolean {
  const separate = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return separate
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .some((word) => words.has(word) || parts.test(word));
}

/** The entity without its hidden values, and their number. */
export function withoutSecrets(entity: JsonObject): { readonly entity: JsonObject; readonly count: number } {
  let count = 0;
  const hide = (): string => {
    count++;
    return hidden;
  };
  const shownOf = (name: string, value: JsonValue, depth: number): JsonValue => {
    if (isSaying(value) && (looksSecret(name) || depth > deepest)) return hide();
    if (typeof value === 'string') return urlWithPassword.test(value) ? hide() : value;
    if (Array.isArray(value)) return value.map((each) => shownOf('', each, depth + 1));
    if (!isJsonObject(value)) return value;
    const fields = Object.entries(value).map(([key, each]) => [key, shownOf(key, each ?? null, depth + 1)]);
    return Object.fromEntries(fields);
  };
  const shownEntity = (each: JsonObject): JsonObject => {
    const all = annotationOf(each, hidesAll) === true;
    const parameter = (pair: JsonObject) => {
      const { key, value = null } = pair;
      return { ...pair, value: all ? hide() : shownOf(textOf(key), value, 0) };
    };
    return replaced(each, {
      parameters: mapped(each['parameters'], parameter),
      // Of a package.
      actions: mapped(each['actions'], shownEntity),
      feeds: mapped(each['feeds'], shownEntity),
    });
  };
  return { entity: shownEntity(entity), count };
}

/** The entity as `get` shows it. */
export function shownTo(input: Input, io: Pick<Io, 'note'>, entity: JsonObject): JsonObject {
  if (input.has('showSecrets')) return entity;
  const { entity: shown, count } = withoutSecrets(entity);
  if (count > 0)
    io.note(`note: ${count === 1 ? 'a value is' : `${count} values are`} hidden; --show-secrets shows all`);
  return shown;
}

/** A switch or an empty value is no secret, even under a secret's name. */
function isSaying(value: JsonValue): boolean {
  return value !== null && typeof value !== 'boolean' && value !== '';
}

function mapped(
  list: JsonValue | undefined,
  change: (each: JsonObject) => JsonObject,
): JsonValue | undefined {
  return Array.isArray(list) ? list.map((each) => (isJsonObject(each) ? change(each) : each)) : list;
}

function replaced(entity: JsonObject, fields: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const there = Object.entries(fields).filter(([name]) => Object.hasOwn(entity, name));
  return { ...entity, ...(Object.fromEntries(there) as JsonObject) };
}
