/**
 * The JSON schema of the chart's values, which Helm checks before it renders anything (`chart/values.schema.json`). It
 * follows from the defaults: a value has the type of its default, and there are no others, so that a mistyped name is an
 * error and not a default.
 */
import type { Settings } from './objects/settings.ts';

type Schema = Readonly<Record<string, unknown>>;

export function valuesSchema(settings: Settings): Schema {
  const groups = Object.entries(settings).map(([name, values]) => [name, groupSchema(values)]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...closed({
      ...Object.fromEntries(groups),
      // Helm adds it to the values of a chart that is part of another one.
      global: { type: 'object' },
    }),
  };
}

function groupSchema(values: Settings[keyof Settings]): Schema {
  return closed(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, schemaOf(value)])));
}

const closed = (properties: Schema): Schema => ({ type: 'object', properties, additionalProperties: false });

function schemaOf(value: unknown): Schema {
  if (typeof value === 'number') return { type: 'integer', minimum: 0 };
  if (Array.isArray(value)) return { type: 'array', items: { type: 'object' } };
  if (typeof value !== 'object' || value === null) return { type: typeof value };
  // YAML 1.1 reads a bare `off` as false, which Kubernetes refuses in a map of texts.
  const isMapOfTexts = Object.values(value).every((each) => typeof each === 'string');
  return { type: 'object', ...(isMapOfTexts && { additionalProperties: { type: 'string' } }) };
}
