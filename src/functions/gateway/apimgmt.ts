/**
 * The API manager, `/whisk.system/apimgmt/{createApi,getApi,deleteApi}`, as clients of OpenWhisk call it: over the
 * web or like any action, with the same arguments, answers and texts. The key of the call determines whose APIs they
 * are, never the arguments.
 */
import { isFault, type JsonObject } from '../../lib/index.ts';
import type { ActionService } from '../actions/actions.ts';
import type { BuiltinAction } from '../builtin.ts';
import type { KeyValue } from '../entities/key-values.ts';
import type { EntityRef, NamespaceName } from '../entities/names.ts';
import type { ParameterReads } from '../entities/parameter-reads.ts';
import { type KeyRight, requireRight } from '../namespaces/key-scopes.ts';
import { parseApiDocument } from './api-document.ts';
import { emptyDocument, withOperation, withoutOperation } from './api-document-edit.ts';
import { apiInvalid, parseBasePath, shown } from './api-document-paths.ts';
import type { ApiPath } from './api-document-types.ts';
import { answerWith, prefixed } from './apimgmt-answers.ts';
import {
  type CreateArguments,
  type DeleteArguments,
  type FindArguments,
  parseCreate,
  parseDelete,
  parseFind,
} from './apimgmt-arguments.ts';
import { actionWarnings } from './apimgmt-check.ts';
import type { ApiService, StoredApi } from './apis.ts';

interface ApiManagerOptions {
  readonly apis: ApiService;
  readonly actions: Pick<ActionService, 'resolve'>;
  /** URL under which clients reach Ward, without a slash at its end. Called for every request. */
  readonly apiHost: () => string;
  readonly parameterReads: Pick<ParameterReads, 'note'>;
}

const annotations = [
  { key: 'web-export', value: true },
  { key: 'raw-http', value: false },
  { key: 'require-whisk-auth', value: true },
];

export function createApiManager(options: ApiManagerOptions): readonly BuiltinAction[] {
  const { apis, actions } = options;

  const action = <Wanted>(
    name: string,
    right: KeyRight,
    prefix: string,
    parse: (args: JsonObject, own: NamespaceName) => Wanted,
    act: (wanted: Wanted, own: NamespaceName) => Promise<JsonObject>,
  ): BuiltinAction => ({
    path: `apimgmt/${name}`,
    annotations,
    run: (args, { identity: { namespace, scope }, transactionId }) =>
      answerWith(args, transactionId, async () => {
        requireRight(scope, right, `${namespace}/apis`);
        const wanted = parse(args, namespace);
        return prefixed(prefix, () => act(wanted, namespace));
      }),
  });

  const withWarnings = async (
    described: JsonObject,
    called: readonly EntityRef[],
    own: NamespaceName,
  ): Promise<JsonObject> => {
    const warnings = await actionWarnings(actions, called, own);
    return warnings.length === 0 ? described : { ...described, warnings };
  };

  const create = async (wanted: CreateArguments, own: NamespaceName) => {
    if (wanted.kind === 'document') {
      const { document } = wanted;
      const { basePath, paths } = parseApiDocument(document, own);
      const api = await apis.put(own, basePath, () => document);
      return withWarnings(describe(options, own, api), paths.flatMap(actionsOf), own);
    }
    const { basePath, title } = await placeOf(apis, wanted, own);
    const change = (document: JsonObject | undefined) =>
      withOperation(document ?? emptyDocument(basePath, title), { ...wanted, apiHost: options.apiHost() });
    const api = await apis.put(own, basePath, change);
    return withWarnings(describe(options, own, api), [wanted.action], own);
  };

  const find = async ({ basePath, skip, limit }: FindArguments, own: NamespaceName) => {
    const all = await apis.list(own);
    const found = basePath === undefined ? all : all.filter((api) => isNamed(api, basePath));
    const page = found.slice(skip, skip + limit);
    for (const { basePath, document } of page)
      await options.parameterReads.note('api', { namespace: own, basePath }, secretsIn(document, own));
    return {
      apis: page.map((api) => {
        const id = `API:${own}:${api.basePath}`;
        return { id, key: id, value: describe(options, own, api) };
      }),
    };
  };

  const remove = async ({ name, path, verb }: DeleteArguments, own: NamespaceName) => {
    const api = await named(apis, own, name);
    if (path === undefined) await apis.delete(own, api.basePath);
    else {
      const change = (document: JsonObject | undefined) => {
        if (document === undefined) throw missing(name);
        return withoutOperation(document, path, verb);
      };
      await (isEmpty(change(api.document))
        ? apis.delete(own, api.basePath)
        : apis.put(own, api.basePath, change));
    }
    return {};
  };

  return [
    action('createApi', 'deploy', 'API creation failure: ', parseCreate, create),
    action('getApi', 'read', '', parseFind, find),
    action('deleteApi', 'deploy', 'API deletion failure: ', parseDelete, remove),
  ];
}

/** Finds where a new operation goes. An existing API may be named instead of its base path. */
async function placeOf(
  apis: ApiService,
  { basePath, title }: Extract<CreateArguments, { kind: 'operation' }>,
  own: NamespaceName,
): Promise<{ readonly basePath: string; readonly title: string }> {
  if (basePath.startsWith('/')) {
    const parsed = parseBasePath(basePath);
    return { basePath: parsed, title: title ?? parsed };
  }
  return named(apis, own, basePath);
}

/** @throws Fault API_INVALID if there is no such API */
async function named(apis: ApiService, own: NamespaceName, name: string): Promise<StoredApi> {
  const api = (await apis.list(own)).find((each) => isNamed(each, name));
  if (api === undefined) throw missing(name);
  return api;
}

/** The secrets of the web actions that it calls. */
function secretsIn(document: JsonObject, own: NamespaceName): readonly KeyValue[] {
  try {
    const operations = parseApiDocument(document, own).paths.flatMap((path) => path.operations);
    return operations.flatMap(({ backend }) =>
      backend?.secret === undefined ? [] : [{ key: 'secret', value: backend.secret }],
    );
  } catch (error) {
    // It is shown all the same.
    if (isFault(error)) return [{ key: 'document', value: document }];
    throw error;
  }
}

function actionsOf({ operations }: ApiPath) {
  return operations.flatMap(({ backend }) => backend?.action ?? []);
}

/** Describes an API in the form of OpenWhisk's gateway. */
function describe(
  options: ApiManagerOptions,
  own: NamespaceName,
  { basePath, document }: StoredApi,
): JsonObject {
  return {
    namespace: own,
    tenantId: own,
    gwApiActivated: true,
    gwApiUrl: `${options.apiHost()}/apis/${encodeURIComponent(own)}${encodeURI(basePath)}`,
    apidoc: document,
  };
}

/** A name is a base path, with or without a trailing slash, or a title. */
function isNamed({ basePath, title }: StoredApi, name: string): boolean {
  if (!name.startsWith('/')) return title === name;
  return basePath === name || `${basePath}/` === name;
}

function isEmpty({ paths }: JsonObject): boolean {
  return typeof paths !== 'object' || paths === null || Object.keys(paths).length === 0;
}

function missing(name: string) {
  return apiInvalid(`API '${shown(name)}' does not exist.`);
}
