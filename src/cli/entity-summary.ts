/**
 * Describes an entity and its parameters, from its annotations `description` and `parameters`. Bound parameters get a
 * `*`, final ones `**`, as in wsk.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../lib/index.ts';
import { annotationOf, textOf } from './entity-fields.ts';

/** @param noun `action`, `package`. @param full `/ns/[pack/]name` */
export function summaryLines(noun: string, full: string, entity: JsonObject): string[] {
  const description = textOf(annotationOf(entity, 'description'));
  const parameters = parameterNames(entity);
  return [
    `${noun} ${full}${description === '' ? '' : `: ${description}`}`,
    `   (parameters: ${parameters.length === 0 ? 'none defined' : parameters.join(', ')})`,
  ];
}

function parameterNames(entity: JsonObject): string[] {
  const bound = keysOf(entity['parameters'], 'key');
  const described = keysOf(annotationOf(entity, 'parameters'), 'name');
  const mark = annotationOf(entity, 'final') === true ? '**' : '*';
  return [...new Set([...bound, ...described])]
    .toSorted()
    .map((name) => (bound.includes(name) ? `${mark}${name}` : name));
}

function keysOf(list: JsonValue | undefined, field: string): string[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isJsonObject).map((item) => textOf(item[field]));
}
