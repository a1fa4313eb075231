/**
 * The mark of a managed project, as wskdeploy and Adobe's tools write it: the annotation `whisk-managed` names the
 * project of an entity, so that entities that are no longer in the manifest can be found and removed.
 */
import { hash } from 'node:crypto';
import { basename } from 'node:path';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import { annotationOf, pathOf } from '../entity-fields.ts';
import type { EntityType } from './desired.ts';
import type { Manifest } from './manifest.ts';

export const managedAnnotation = 'whisk-managed';

interface ManagedEntity {
  readonly type: EntityType;
  readonly name: string;
  readonly entity: JsonObject;
}

/** The API lists at most this many at once. */
const pageSize = 200;

/** In the order in which they can be deleted. */
const collections = [
  ['rule', 'rules'],
  ['trigger', 'triggers'],
  ['action', 'actions'],
  ['package', 'packages'],
] as const;

export function managedMark(manifest: Manifest, projectName: string): JsonObject {
  return {
    projectName,
    projectHash: hash('sha256', manifest.text),
    projectDeps: [],
    file: basename(manifest.file),
  };
}

/** The project in an entity's mark. */
function projectOf(entity: JsonObject): string | undefined {
  const mark = annotationOf(entity, managedAnnotation);
  const name = isJsonObject(mark) ? mark['projectName'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** All entities marked with the project: rules first, packages last. */
export async function managedEntities(
  client: ApiClient,
  namespace: string,
  projectName: string,
): Promise<ManagedEntity[]> {
  const found: ManagedEntity[] = [];
  for (const [type, collection] of collections) {
    const entities = await listAll(client, ['namespaces', namespace, collection]);
    const marked = entities.filter((entity) => projectOf(entity) === projectName);
    found.push(...marked.map((entity) => ({ type, name: pathOf(entity), entity })));
  }
  // A binding is a package that refers to another one.
  return found.toSorted((a, b) => rank(a) - rank(b));
}

async function listAll(client: ApiClient, path: readonly string[]): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  for (;;) {
    const query = { limit: pageSize, skip: all.length };
    const page = await client.sendForList({ method: 'GET', path, query });
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}

/** Sequences are deleted before the actions that they consist of. */
function rank({ type, entity }: ManagedEntity): number {
  const order = ['rule', 'trigger', 'action', 'package'].indexOf(type);
  return order * 2 + (annotationOf(entity, 'exec') === 'sequence' ? 0 : 1);
}
