/** `ward namespace list`, `get`: what the key may see, asked of the server. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';

export const list: Handler = async (_input, context) => {
  const client = await context.client();
  const { body } = await client.send({ method: 'GET', path: ['namespaces'] });
  if (!Array.isArray(body)) throw cliFault('SERVER_NOT_WARD', 'the server’s list of namespaces is no list');
  const items = body.filter((name) => typeof name === 'string');
  await context.io.list({
    items,
    columns: [{ title: 'namespace', cell: (name) => name }],
    name: (name) => name,
  });
  return 0;
};

export const get: Handler = async (input, context) => {
  const client = await context.client();
  const asked = input.optional(0)?.replaceAll(/^\/|\/$/g, '') ?? context.settings().namespace.value;
  const [limits, counts, own] = await Promise.all([
    client.sendForObject({ method: 'GET', path: ['namespaces', asked, 'limits'] }),
    client.send({ method: 'GET', path: ['namespaces', asked, 'actions'], query: { count: true } }),
    asked === '_' ? client.send({ method: 'GET', path: ['namespaces'] }) : undefined,
  ]);
  const name = Array.isArray(own?.body) && typeof own.body[0] === 'string' ? own.body[0] : asked;
  const actions = isJsonObject(counts.body) ? (counts.body['actions'] ?? null) : null;
  await context.io.record({
    fields: [['namespace', name], ['actions', textOf(actions)], ...limitFields(limits)],
    name,
    data: { namespace: name, actions, limits },
  });
  return 0;
};

/** `invocationsPerMinute: 60` → `invocations per minute  60`. */
export function limitFields(limits: JsonObject): (readonly [string, string])[] {
  return Object.entries(limits).map(([name, value]) => [
    name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    typeof value === 'object' ? JSON.stringify(value) : textOf(value),
  ]);
}
