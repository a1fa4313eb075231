/** The steps from the deployed state to the state that a project describes, each with its changes. */
import type { JsonObject } from '../../lib/index.ts';
import { apisOf, askGateway, type Route, routesOf } from '../api-gateway.ts';
import type { ApiClient } from '../client.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import type { Settings } from '../settings.ts';
import {
  collectionOf,
  type DesiredEntity,
  type DesiredProject,
  type DesiredRoute,
  type EntityType,
  type NamedEntity,
} from './desired.ts';
import { differences, valuesOf } from './difference.ts';
import { feedDifferences } from './feed-state.ts';
import { managedEntities } from './managed.ts';

type Change = 'create' | 'update' | 'delete' | 'unchanged';

interface StepBase {
  readonly change: Change;
  /** Names of fields that change. */
  readonly fields: readonly string[];
}

export type PlanStep =
  | (StepBase & {
      readonly kind: 'entity';
      readonly type: EntityType;
      readonly name: string;
      readonly desired: DesiredEntity | undefined;
      readonly deployed: JsonObject | undefined;
    })
  | (StepBase & {
      readonly kind: 'route';
      readonly type: 'api';
      readonly name: string;
      readonly route: DesiredRoute;
    })
  | (StepBase & {
      readonly kind: 'document';
      readonly type: 'api';
      readonly name: string;
      readonly document: JsonObject;
    });

export interface PlanContext {
  readonly client: ApiClient;
  readonly settings: Settings;
  /** By its real name. */
  readonly namespace: string;
  /** `nodejs:default` → `nodejs:24`. */
  readonly defaultKinds: ReadonlyMap<string, string>;
}

/** Concurrent requests for entities. */
const atOnce = 8;

/**
 * @param projectName name of a managed project: entities with its mark that are no longer described are deleted at
 * the end
 */
export async function planDeployment(
  project: DesiredProject,
  projectName: string | undefined,
  context: PlanContext,
): Promise<PlanStep[]> {
  const deployed = await fetchDeployed(project.entities, context);
  const steps: PlanStep[] = [];
  for (const desired of project.entities) steps.push(await entityStep(desired, deployed, project, context));
  return [
    ...steps,
    ...(await routeSteps(project.routes, context)),
    ...(await documentSteps(project.apiDocument, context)),
    ...(projectName === undefined ? [] : await strayManaged(project, projectName, context)),
  ];
}

/** The existing ones of these entities, to be deleted in reverse order, so that none is in use. */
export async function planRemoval(
  project: Pick<DesiredProject, 'routes' | 'apiDocument'> & { readonly entities: readonly NamedEntity[] },
  context: PlanContext,
): Promise<PlanStep[]> {
  const deployed = await fetchDeployed(project.entities, context);
  const served = [
    ...(await documentSteps(project.apiDocument, context)),
    ...(await routeSteps(project.routes, context)),
  ].filter(({ change }) => change !== 'create');
  const entities = project.entities.toReversed().flatMap((named): PlanStep[] => {
    const entity = deployed.get(named);
    return entity === undefined ? [] : [deletion(named.type, named.name, entity)];
  });
  return [...served.map((step): PlanStep => ({ ...step, change: 'delete', fields: [] })), ...entities];
}

/** All entities marked with a project. */
export async function planManagedRemoval(projectName: string, context: PlanContext): Promise<PlanStep[]> {
  const marked = await managedEntities(context.client, context.namespace, projectName);
  return marked.map(({ type, name, entity }) => deletion(type, name, entity));
}

async function fetchDeployed<Named extends NamedEntity>(
  entities: readonly Named[],
  { client, namespace }: PlanContext,
): Promise<ReadonlyMap<Named, JsonObject>> {
  const found = new Map<Named, JsonObject>();
  for (let at = 0; at < entities.length; at += atOnce)
    await Promise.all(
      entities.slice(at, at + atOnce).map(async (desired) => {
        const collection = collectionOf(desired.type);
        const entity = await client.find({
          method: 'GET',
          path: ['namespaces', namespace, collection, ...desired.name.split('/')],
          ...(collection === 'actions' ? { query: { code: true } } : {}),
        });
        if (entity !== undefined) found.set(desired, entity);
      }),
    );
  return found;
}

async function entityStep(
  desired: DesiredEntity,
  deployed: ReadonlyMap<DesiredEntity, JsonObject>,
  project: DesiredProject,
  context: PlanContext,
): Promise<PlanStep> {
  const { type, name } = desired;
  const entity = deployed.get(desired);
  const step = { kind: 'entity', type, name, desired, deployed: entity } as const;
  if (entity === undefined) return { ...step, change: 'create', fields: [] };
  const home = project.entities.find(
    (candidate) => candidate.type === 'package' && name.startsWith(`${candidate.name}/`),
  );
  const before = home === undefined ? undefined : deployed.get(home);
  const fields = [
    ...differences(desired, entity, {
      defaultKinds: context.defaultKinds,
      inherited: valuesOf(before?.['parameters']),
      willInherit: home?.parameters ?? {},
    }),
    ...(await feedDifferences(desired, entity, context)),
  ];
  return { ...step, change: fields.length === 0 ? 'unchanged' : 'update', fields };
}

async function strayManaged(
  project: DesiredProject,
  projectName: string,
  context: PlanContext,
): Promise<PlanStep[]> {
  const wanted = new Set(project.entities.map(({ name }) => name));
  return (await planManagedRemoval(projectName, context)).filter(({ name }) => !wanted.has(name));
}

async function routeSteps(routes: readonly DesiredRoute[], context: PlanContext): Promise<PlanStep[]> {
  const apis = new Map<string, readonly Route[]>();
  const steps: PlanStep[] = [];
  for (const route of routes) {
    const present = apis.get(route.basePath) ?? (await fetchRoutes(route.basePath, context));
    apis.set(route.basePath, present);
    const found = present.find(({ path, verb }) => path === route.path && verb === route.verb);
    const fields = found === undefined ? [] : routeDifferences(route, found);
    const change = found === undefined ? 'create' : fields.length === 0 ? 'unchanged' : 'update';
    const name = `${route.verb} ${route.basePath.replace(/\/$/, '')}${route.path}`;
    steps.push({ kind: 'route', type: 'api', name, route, change, fields });
  }
  return steps;
}

async function documentSteps(document: JsonObject | undefined, context: PlanContext): Promise<PlanStep[]> {
  if (document === undefined) return [];
  const { basePath = '/', paths }: JsonObject = JSON.parse(textOf(document['swagger']));
  const [api] = await fetchApis(textOf(basePath), context);
  const deployed = objectOf(objectOf(api?.['apidoc'])['paths']);
  const names = new Set([...Object.keys(deployed), ...Object.keys(objectOf(paths))]);
  const fields = [...names].filter(
    (name) => JSON.stringify(objectOf(paths)[name]) !== JSON.stringify(deployed[name]),
  );
  const change = api === undefined ? 'create' : fields.length === 0 ? 'unchanged' : 'update';
  return [{ kind: 'document', type: 'api', name: textOf(basePath), document, change, fields }];
}

async function fetchRoutes(basePath: string, context: PlanContext): Promise<Route[]> {
  return (await fetchApis(basePath, context)).flatMap(routesOf);
}

function fetchApis(basepath: string, { client, settings }: PlanContext): Promise<JsonObject[]> {
  return askGateway(client, settings, { action: 'getApi', query: { basepath } }).then(apisOf);
}

function routeDifferences(route: DesiredRoute, { action, backendUrl }: Route): string[] {
  const response = /\.(\w+)$/.exec(backendUrl)?.[1];
  const isSameResponse = response === undefined || response === route.responseType;
  return [...(action === route.action ? [] : ['action']), ...(isSameResponse ? [] : ['response'])];
}

function deletion(type: EntityType, name: string, deployed: JsonObject): PlanStep {
  return { kind: 'entity', change: 'delete', type, name, desired: undefined, deployed, fields: [] };
}
