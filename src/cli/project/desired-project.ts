/** Combines a manifest, its deployment file and typed values into the state that the project describes. */
import { dirname, resolve } from 'node:path';
import type { JsonObject } from '../../lib/index.ts';
import type { TellLeftOut } from '../action-source.ts';
import { readApiDocument } from '../api-document.ts';
import { parseVerb, pathParameters, responseTypes } from '../api-gateway.ts';
import type { DesiredEntity, DesiredProject, DesiredRoute } from './desired.ts';
import { packageEntities } from './desired-entities.ts';
import { invalid, type Manifest } from './manifest.ts';
import { fullName } from './manifest-names.ts';
import type { ManifestPackage, PackageOverride } from './manifest-schema.ts';
import { ownOf } from './own.ts';
import type { PackageSource } from './package-source.ts';
import { inDependencyOrder } from './sequence-order.ts';
import type { Variables } from './variables.ts';

interface ProjectSource {
  readonly manifest: Manifest;
  readonly overrides: Readonly<Record<string, PackageOverride>>;
  readonly deploymentFile: string | undefined;
  readonly variables: Variables;
  readonly typed: JsonObject;
  readonly namespace: string;
  readonly tell?: TellLeftOut | undefined;
}

/** @throws Fault MANIFEST_INVALID, SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE */
export async function desiredProject(source: ProjectSource): Promise<DesiredProject> {
  const { manifest } = source;
  checkOverrides(source);
  const entities: DesiredEntity[] = [];
  const routes: DesiredRoute[] = [];
  for (const [writtenName, content] of Object.entries(manifest.packages)) {
    const packageName = source.variables.text(writtenName);
    const own = routesOf(source, packageName, content);
    routes.push(...own.routes);
    const override = ownOf(source.overrides, writtenName) ?? ownOf(source.overrides, packageName) ?? {};
    const part: PackageSource = { ...source, packageName, content, override, served: own.served };
    entities.push(...(await packageEntities(part)));
  }
  checkUnique(entities, manifest.file);
  return {
    entities: inDependencyOrder(entities, source.namespace),
    routes,
    apiDocument: await apiDocumentOf(source),
  };
}

/** The routes of all packages, and the document of an API. */
export async function desiredApis(source: Omit<ProjectSource, 'overrides' | 'deploymentFile' | 'typed'>) {
  const routes = Object.entries(source.manifest.packages).flatMap(
    ([name, content]) => routesOf(source, source.variables.text(name), content).routes,
  );
  return { routes, apiDocument: await apiDocumentOf(source) };
}

function apiDocumentOf({ manifest, variables }: Pick<ProjectSource, 'manifest' | 'variables'>) {
  const { apiDocument, file } = manifest;
  if (apiDocument === undefined) return undefined;
  return readApiDocument(resolve(dirname(file), variables.text(apiDocument)));
}

/** The routes of one package, and which of its actions must be web actions for them. */
function routesOf(
  source: Pick<ProjectSource, 'manifest' | 'namespace' | 'variables'>,
  packageName: string,
  content: ManifestPackage,
) {
  const served = new Set<string>();
  const routes = Object.entries(content.apis ?? {}).flatMap(([apiName, bases]) =>
    Object.entries(bases ?? {}).flatMap(([basePath, paths]) =>
      Object.entries(paths ?? {}).flatMap(([path, actions]) =>
        Object.entries(actions ?? {}).map(([action, { method, response }]): DesiredRoute => {
          const place = ['packages', packageName, 'apis', apiName, basePath, path, action].join('.');
          const refuse = (what: string) => invalid(source.manifest.file, what, place);
          const isThere =
            Object.hasOwn(content.actions ?? {}, action) || Object.hasOwn(content.sequences ?? {}, action);
          if (!isThere) throw refuse('the package has no such action or sequence');
          served.add(action);
          const responseType = response ?? 'http';
          if (!responseTypes.some((known) => known === responseType))
            throw refuse(`response is one of ${responseTypes.join(', ')}, not '${responseType}'`);
          if (pathParameters(path).length > 0 && responseType !== 'http')
            throw refuse('path parameters need the response http');
          return {
            apiName: source.variables.text(apiName),
            basePath: withSlash(basePath),
            path: withSlash(path),
            verb: parseVerb(method),
            action: fullName({ namespace: source.namespace, packageName }, action),
            responseType,
          };
        }),
      ),
    ),
  );
  return { served, routes };
}

/** An override of something missing is a typing mistake, or meant for another manifest. */
function checkOverrides({ overrides, manifest, deploymentFile, variables }: ProjectSource): void {
  const names = new Map(
    Object.entries(manifest.packages).flatMap(([name, content]) => [
      [name, content],
      [variables.text(name), content],
    ]),
  );
  for (const [name, { actions, triggers }] of Object.entries(overrides)) {
    const content = names.get(name);
    const refuse = (what: string, ...place: string[]) =>
      invalid(deploymentFile ?? '', what, ['packages', name, ...place].join('.'));
    if (content === undefined) throw refuse('the manifest has no such package');
    for (const action of Object.keys(actions ?? {}))
      if (!Object.hasOwn(content.actions ?? {}, action))
        throw refuse('the manifest has no such action', 'actions', action);
    for (const trigger of Object.keys(triggers ?? {}))
      if (!Object.hasOwn(content.triggers ?? {}, trigger))
        throw refuse('the manifest has no such trigger', 'triggers', trigger);
  }
}

/** Names can collide after variables get their values. */
function checkUnique(entities: readonly DesiredEntity[], file: string): void {
  const seen = new Set<string>();
  for (const { name, type } of entities) {
    if (seen.has(name)) throw invalid(file, `${type} ${name} is defined twice`);
    seen.add(name);
  }
}

function withSlash(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
