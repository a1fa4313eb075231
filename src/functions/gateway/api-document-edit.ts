/**
 * Adds or removes one operation of an API document, in the form that OpenWhisk's own gateway reads, so exported
 * documents work there. Documents are values with keys from outside, so everything is built anew from entries.
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import type { EntityRef } from '../entities/names.ts';
import { apiInvalid } from './api-document-paths.ts';
import { type ApiVerb, apiVerbs } from './api-document-types.ts';
import type { WebExtension } from './web-name.ts';

export interface NewOperation {
  readonly path: string;
  readonly verb: ApiVerb;
  readonly action: EntityRef;
  readonly extension: WebExtension;
  /** The value of the action's annotation. */
  readonly secret: JsonValue | undefined;
  /** Declarations in Swagger's form. */
  readonly parameters: JsonValue | undefined;
  /** Without a trailing slash. */
  readonly apiHost: string;
}

const configurationKey = 'x-ibm-configuration';

export function emptyDocument(basePath: string, title: string): JsonObject {
  return {
    swagger: '2.0',
    info: { title, version: '1.0.0' },
    basePath,
    paths: {},
    [configurationKey]: { assembly: {}, cors: { enabled: true } },
  };
}

/** Adds an operation. Replaces one with the same path and verb. */
export function withOperation(document: JsonObject, added: NewOperation): JsonObject {
  const { path, verb, action } = added;
  const without = removed(document, path, [verb]);
  const id = freeId(without, verb, path);
  const url = webUrl(added);
  const item = objectOf(objectOf(without['paths'])[path]);
  const operation: JsonObject = {
    operationId: id,
    ...(added.parameters === undefined ? {} : { parameters: added.parameters }),
    'x-openwhisk': {
      url,
      namespace: action.namespace,
      package: action.package ?? '',
      action: action.name,
    },
    responses: { default: { description: 'Default response' } },
  };
  const paths = withEntry(objectOf(without['paths']), path, withEntry(item, verb, operation));
  const cases = [...casesOf(without), caseOf(id, url, added)];
  return withCases({ ...without, paths }, cases);
}

/**
 * Removes an operation or a whole path. A path without operations is removed, too.
 * @throws Fault API_INVALID if there is no such operation or path
 */
export function withoutOperation(document: JsonObject, path: string, verb: ApiVerb | undefined): JsonObject {
  const item = own(objectOf(document['paths']), path);
  if (item === undefined) throw apiInvalid(`path '${path}' does not exist in the API`);
  if (verb !== undefined && own(objectOf(item), verb) === undefined) {
    throw apiInvalid(`path '${path}' with operation '${verb}' does not exist in the API`);
  }
  return removed(document, path, verb === undefined ? apiVerbs : [verb]);
}

function removed(document: JsonObject, path: string, verbs: readonly ApiVerb[]): JsonObject {
  const paths = objectOf(document['paths']);
  const item = own(paths, path);
  if (item === undefined) return document;
  const entries = Object.entries(objectOf(item));
  const isGone = ([key]: readonly [string, unknown]) => verbs.some((verb) => verb === key.toLowerCase());
  const ids = new Set(entries.filter(isGone).map(([, operation]) => idOf(operation)));
  const kept = entries.filter((entry) => !isGone(entry));
  const isEmpty = !kept.some(([key]) => apiVerbs.some((verb) => verb === key.toLowerCase()));
  const others = Object.entries(paths).filter(([key]) => key !== path);
  const left = isEmpty ? others : [...others, [path, Object.fromEntries(kept)] as const];
  const cases = casesOf(document).filter((each) => !operationsOf(each).some((id) => ids.has(id)));
  return withCases({ ...document, paths: Object.fromEntries(left) }, cases);
}

/** `get` and `/books/{isbn}` → `getBooksIsbn`, with a number if that is taken. */
function freeId(document: JsonObject, verb: ApiVerb, path: string): string {
  const words = path.split(/[^0-9A-Za-z_-]+/).filter((word) => word !== '');
  const id = verb + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join('');
  const items = Object.values(objectOf(document['paths'])).map(objectOf);
  const taken = new Set(items.flatMap((item) => Object.values(item).map(idOf)));
  for (const each of casesOf(document)) for (const name of operationsOf(each)) taken.add(name);
  let free = id;
  for (let n = 2; taken.has(free); n++) free = `${id}_${n}`;
  return free;
}

function webUrl({ action, extension, apiHost }: NewOperation): string {
  const names = [action.namespace, action.package ?? 'default', `${action.name}.${extension}`];
  return `${apiHost}/api/v1/web/${names.map(encodeURIComponent).join('/')}`;
}

function caseOf(id: string, url: string, { extension, secret }: NewOperation): JsonObject {
  const target = extension === 'http' ? `${url}$(request.path)` : url;
  const invoke = { invoke: { 'target-url': target, verb: 'keep' } };
  const header = { set: 'message.headers.X-Require-Whisk-Auth', value: secret ?? null };
  const steps = secret === undefined ? [invoke] : [invoke, { 'set-variable': { actions: [header] } }];
  return { operations: [id], execute: steps };
}

/** Adds the cases to the first switch between operations. */
function withCases(document: JsonObject, cases: readonly JsonValue[]): JsonObject {
  const configuration = objectOf(document[configurationKey]);
  const assembly = objectOf(configuration['assembly']);
  const steps = listOf(assembly['execute']);
  const at = steps.findIndex(isSwitch);
  const changed = { 'operation-switch': { case: cases } };
  const execute = at < 0 ? [...steps, changed] : steps.map((step, n) => (n === at ? changed : step));
  return { ...document, [configurationKey]: { ...configuration, assembly: { ...assembly, execute } } };
}

function casesOf(document: JsonObject): readonly JsonValue[] {
  const steps = listOf(objectOf(objectOf(document[configurationKey])['assembly'])['execute']);
  return listOf(objectOf(objectOf(steps.find(isSwitch))['operation-switch'])['case']);
}

function isSwitch(step: JsonValue): boolean {
  return isJsonObject(step) && step['operation-switch'] !== undefined;
}

function operationsOf(each: JsonValue): readonly string[] {
  return listOf(objectOf(each)['operations']).filter((id) => typeof id === 'string');
}

function idOf(operation: JsonValue | undefined): string | undefined {
  const id = objectOf(operation)['operationId'];
  return typeof id === 'string' ? id : undefined;
}

function withEntry(object: JsonObject, key: string, value: JsonValue): JsonObject {
  return Object.fromEntries([...Object.entries(object).filter(([each]) => each !== key), [key, value]]);
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
