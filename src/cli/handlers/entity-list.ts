/** Lists a collection: the requested page, sorted on request, as a table or as data. */
import type { JsonObject } from '../../lib/index.ts';
import type { Context } from '../command-spec.ts';
import { pathOf } from '../entity-fields.ts';
import type { Input } from '../input.ts';
import { withoutSecrets } from '../secrets.ts';
import type { Column } from '../table.ts';

interface EntityList {
  /** Segments of the API, below `/api/v1`. */
  readonly path: readonly string[];
  readonly columns: readonly Column<JsonObject>[];
  /** Fetches what a list leaves out, for each entity. */
  readonly complete?: (entity: JsonObject) => Promise<JsonObject>;
}

/** Concurrent requests for what a list leaves out. */
const atOnce = 8;

export async function listEntities(input: Input, context: Context, list: EntityList): Promise<number> {
  const client = await context.client();
  const query = { limit: input.integer('limit', { max: 200 }) ?? 30, skip: input.integer('skip') ?? 0 };
  const entities = await client.sendForList({ method: 'GET', path: list.path, query });
  const sorted = input.has('nameSort')
    ? entities.toSorted((a, b) => pathOf(a).localeCompare(pathOf(b)))
    : entities;
  const found = list.complete === undefined ? sorted : await eachOf(sorted, list.complete);
  const items = found.map((entity) => withoutSecrets(entity).entity);
  await context.io.list({ items, columns: list.columns, name: pathOf });
  return 0;
}

async function eachOf(
  entities: readonly JsonObject[],
  complete: (entity: JsonObject) => Promise<JsonObject>,
): Promise<JsonObject[]> {
  const done: JsonObject[] = [];
  for (let at = 0; at < entities.length; at += atOnce)
    done.push(...(await Promise.all(entities.slice(at, at + atOnce).map(complete))));
  return done;
}
