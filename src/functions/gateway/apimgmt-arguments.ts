/**
 * Parses what clients of OpenWhisk send to create, find and delete APIs, with OpenWhisk's texts for missing fields.
 */
import { isJsonObject, type JsonObject, type JsonValue, nestsDeeperThan } from '../../lib/index.ts';
import {
  type EntityRef,
  type NamespaceName,
  parseEntityName,
  parseNamespaceName,
} from '../entities/names.ts';
import { apiInvalid, shown } from './api-document-paths.ts';
import { type ApiVerb, apiVerbs } from './api-document-types.ts';
import { type WebExtension, webExtensions } from './web-name.ts';

/** A whole document, or one operation of an API. */
export type CreateArguments =
  | { readonly kind: 'document'; readonly document: JsonObject }
  | {
      readonly kind: 'operation';
      /** A base path, or the name of an API. */
      readonly basePath: string;
      readonly title: string | undefined;
      readonly path: string;
      readonly verb: ApiVerb;
      readonly action: EntityRef;
      readonly secret: JsonValue | undefined;
      readonly parameters: JsonValue | undefined;
      readonly extension: WebExtension;
    };

export interface FindArguments {
  /** A base path, or the name of an API. */
  readonly basePath: string | undefined;
  readonly limit: number;
  readonly skip: number;
}

export interface DeleteArguments {
  /** A base path, or the name of an API. */
  readonly name: string;
  /** Undefined: the whole API. */
  readonly path: string | undefined;
  /** Undefined: the whole path. */
  readonly verb: ApiVerb | undefined;
}

const maxDepth = 500;

/** @throws Fault API_INVALID, NAME_INVALID */
export function parseCreate(args: JsonObject, own: NamespaceName): CreateArguments {
  const doc = objectOrJson(args['apidoc'], 'apidoc', 'apidoc is required.');
  requireFields(doc, 'apidoc', ['namespace']);
  if (isGiven(doc['swagger'])) {
    if (isGiven(doc['gatewayBasePath'])) {
      throw apiInvalid(
        'swagger and gatewayBasePath are mutually exclusive and cannot be specified together.',
      );
    }
    const document = objectOrJson(doc['swagger'], 'swagger', '');
    const isOpenApi3 = isGiven(document['openapi']);
    for (const field of isOpenApi3 ? ['paths', 'info'] : ['basePath', 'paths', 'info']) {
      if (!isGiven(document[field])) throw apiInvalid(`swagger is missing the ${field} field.`);
    }
    return { kind: 'document', document };
  }
  requireFields(doc, 'apidoc', ['gatewayBasePath', 'gatewayPath', 'gatewayMethod']);
  const action = doc['action'];
  if (!isJsonObject(action)) throw apiInvalid('apidoc is missing the action field.');
  for (const field of ['backendMethod', 'backendUrl', 'namespace', 'name', 'authkey']) {
    if (!isGiven(action[field])) throw apiInvalid(`action is missing the ${field} field.`);
  }
  return {
    kind: 'operation',
    basePath: text(doc['gatewayBasePath'], 'gatewayBasePath'),
    title: isGiven(doc['apiName']) ? text(doc['apiName'], 'apiName') : undefined,
    path: text(doc['gatewayPath'], 'gatewayPath'),
    verb: parseVerb(text(doc['gatewayMethod'], 'gatewayMethod')),
    action: parseAction(text(action['namespace'], 'namespace'), text(action['name'], 'name'), own),
    secret: isGiven(action['secureKey']) ? action['secureKey'] : undefined,
    parameters: Array.isArray(doc['pathParameters']) ? doc['pathParameters'] : undefined,
    extension: parseExtension(optional(args['responsetype'])),
  };
}

export function parseFind(args: JsonObject): FindArguments {
  return {
    basePath: optional(args['basepath']),
    limit: count(args['limit']) || Number.POSITIVE_INFINITY,
    skip: count(args['skip']) ?? 0,
  };
}

/** @throws Fault API_INVALID */
export function parseDelete(args: JsonObject): DeleteArguments {
  const name = optional(args['basepath']);
  const path = optional(args['relpath']);
  const verb = optional(args['operation']);
  if (name === undefined) throw apiInvalid('basepath is required.');
  if (path === undefined && verb !== undefined) {
    throw apiInvalid('When specifying an operation, the path is required.');
  }
  return { name, path, verb: verb === undefined ? undefined : parseVerb(verb) };
}

function parseVerb(name: string): ApiVerb {
  const verb = apiVerbs.find((each) => each === name.toLowerCase());
  if (verb === undefined) throw apiInvalid(`'${shown(name)}' is not a valid API verb.`);
  return verb;
}

/** Parses `name`, `package/name`, or `/namespace/[package/]name`, which contains its own namespace. */
function parseAction(namespace: string, name: string, own: NamespaceName): EntityRef {
  const parts = name.startsWith('/') ? name.slice(1).split('/') : [namespace, ...name.split('/')];
  const [root = '', first = '', second, ...more] = parts;
  if (more.length > 0) throw apiInvalid(`'${shown(name)}' is not the name of an action.`);
  return {
    namespace: root === '_' ? own : parseNamespaceName(root),
    package: second === undefined || first === 'default' ? undefined : parseEntityName(first),
    name: parseEntityName(second ?? first),
  };
}

function parseExtension(name: string | undefined): WebExtension {
  const extension = webExtensions.find((each) => each === (name ?? 'json'));
  if (extension === undefined) {
    throw apiInvalid(
      `'${shown(name ?? '')}' is not a response type. Valid values are: ${webExtensions.join(', ')}`,
    );
  }
  return extension;
}

/** @throws Fault API_INVALID */
function objectOrJson(value: JsonValue | undefined, field: string, missing: string): JsonObject {
  if (!isGiven(value)) throw apiInvalid(missing);
  if (isJsonObject(value)) return value;
  if (typeof value !== 'string') {
    throw apiInvalid(
      `${field} field is of type ${typeof value} and should be a JSON object or a JSON string.`,
    );
  }
  const parsed = nestsDeeperThan(value, maxDepth) ? undefined : parseJson(value);
  if (isJsonObject(parsed)) return parsed;
  throw apiInvalid(`${field} field cannot be parsed. Ensure it is valid JSON.`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function requireFields(doc: JsonObject, where: string, fields: readonly string[]): void {
  for (const field of fields) {
    if (!isGiven(doc[field])) throw apiInvalid(`${where} is missing the ${field} field`);
  }
}

function isGiven(value: JsonValue | undefined): value is Exclude<JsonValue, null> {
  return value !== undefined && value !== null && value !== '' && value !== false;
}

function text(value: JsonValue | undefined, field: string): string {
  if (typeof value === 'string') return value;
  throw apiInvalid(`${field} should be a string.`);
}

/** Some clients write `undefined` for missing values. */
function optional(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' && value !== 'undefined' ? value : undefined;
}

function count(value: JsonValue | undefined): number | undefined {
  return /^\d{1,9}$/.test(String(value)) ? Number(value) : undefined;
}
