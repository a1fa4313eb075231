/** `ward namespace list`, `get`: what the server shows to this key. */
import { formatSize, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { parseNamespace } from '../entity-name.ts';
import { cliFault } from '../faults.ts';

export const list: Handler = async (input, context) => {
  if (input.has('all')) return (await import('./namespace-overview.ts')).overview(input, context);
  if (['limit', 'skip', 'config'].some((option) => input.has(option)))
    throw cliFault('USAGE', '--limit, --skip and --config go with --all');
  const client = await context.client();
  const { body } = await client.send({ method: 'GET', path: ['namespaces'] });
  if (!Array.isArray(body))
    throw cliFault('SERVER_NOT_WARD', 'the server’s list of namespaces is not a list');
  const items = body.filter((name) => typeof name === 'string');
  await context.io.list({
    items,
    columns: [{ title: 'namespace', cell: (name) => name }],
    name: (name) => name,
  });
  return 0;
};

const collections = ['packages', 'actions', 'triggers', 'rules'] as const;

export const get: Handler = async (input, context) => {
  const client = await context.client();
  const asked = parseNamespace(input.optional(0), context.settings().namespace.value);
  const [limits, usage, own, ...counts] = await Promise.all([
    client.sendForObject({ method: 'GET', path: ['namespaces', asked, 'limits'] }),
    client.sendForObject({ method: 'GET', root: '/ward/v1', path: ['namespaces', asked, 'usage'] }),
    asked === '_' ? client.send({ method: 'GET', path: ['namespaces'] }) : undefined,
    ...collections.map(async (collection) => {
      const path = ['namespaces', asked, collection];
      const answer = await client.sendForObject({ method: 'GET', path, query: { count: true } });
      return [collection, answer[collection] ?? null] as const;
    }),
  ]);
  const name = Array.isArray(own?.body) && typeof own.body[0] === 'string' ? own.body[0] : asked;
  await context.io.record({
    fields: [
      ['namespace', name],
      ...counts.map(([collection, count]) => [collection, textOf(count)] as const),
      ...usageFields(usage),
      ...limitFields(limits),
    ],
    name,
    data: { namespace: name, ...Object.fromEntries(counts), usage, limits },
  });
  return 0;
};

/** `code: {used, limit}` → `code on disk  1.2 MiB of 1 GiB`. */
function usageFields(usage: JsonObject): (readonly [string, string])[] {
  return Object.entries(usage).map(([name, quota]) => {
    const { used, limit } = isJsonObject(quota) ? quota : {};
    return [`${name} on disk`, `${sizeText(used)} of ${sizeText(limit)}`];
  });
}

function sizeText(bytes: JsonValue | undefined): string {
  return typeof bytes === 'number' ? formatSize(bytes) : '?';
}

/** `invocationsPerMinute: 60` → `invocations per minute  60`. */
export function limitFields(limits: JsonObject): (readonly [string, string])[] {
  return Object.entries(limits).map(([name, value]) => [
    name.replace(/Bytes$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    fieldText(name, value),
  ]);
}

function fieldText(name: string, value: JsonValue | undefined): string {
  if (name.endsWith('Bytes')) return sizeText(value);
  return typeof value === 'object' ? JSON.stringify(value) : textOf(value);
}
