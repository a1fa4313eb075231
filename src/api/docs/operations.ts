/** Every route below `/api/v1` that a client may call, with its input and its answers, for the API's description. */
import type { JsonObject } from '../../lib/index.ts';
import { listOf, ref } from './definitions.ts';

type DocumentedMethod = 'get' | 'put' | 'post' | 'delete';

export interface DocumentedOperation {
  readonly method: DocumentedMethod;
  /** Below `/api/v1`. */
  readonly path: string;
  readonly tag: string;
  readonly id: string;
  readonly summary: string;
  readonly query?: readonly QueryName[];
  readonly body?: JsonObject;
  readonly produces?: string;
  readonly answers: Readonly<Record<number, JsonObject | string>>;
  /** Statuses of errors beside 400, 401, 403, 404 and 500. */
  readonly errors?: readonly number[];
}

/** Name → what it is. */
export const queryParameters = {
  limit: { type: 'integer', description: 'Length of the list; 0 for the longest allowed' },
  search: { type: 'string', description: 'Only those with this text in their name' },
  skip: { type: 'integer', description: 'Number of entries to skip' },
  count: { type: 'boolean', description: 'Only the number of entries' },
  overwrite: { type: 'boolean', description: 'Change an existing entity' },
  code: { type: 'boolean', description: 'With the code' },
  force: { type: 'boolean', description: 'Delete its content too' },
  blocking: { type: 'boolean', description: 'Wait for the end' },
  result: { type: 'boolean', description: 'The result alone' },
  timeout: { type: 'integer', description: 'How long to wait, in milliseconds' },
  name: { type: 'string', description: 'Only of this action: name or package/name' },
  since: { type: 'integer', description: 'Started then or later, in milliseconds since 1970' },
  upto: { type: 'integer', description: 'Started then or earlier, in milliseconds since 1970' },
  docs: { type: 'boolean', description: 'Whole records' },
  failed: { type: 'boolean', description: 'Only those that did not succeed' },
  calls: { type: 'boolean', description: 'Without firings of triggers' },
  start: { type: 'string', description: 'Only those whose sandbox was cold, prewarmed or warm' },
  fingerprint: { type: 'string', description: 'Only those with this error' },
  took: { type: 'integer', description: 'Only those that took at least this long, in milliseconds' },
  pending: { type: 'boolean', description: 'Also answer for an activation that has not ended' },
} as const;
type QueryName = keyof typeof queryParameters;

const page: readonly QueryName[] = ['limit', 'skip', 'count'];
const ns = '/namespaces/{namespace}';

type Answers = DocumentedOperation['answers'];

interface EntityWords {
  readonly collection: string;
  /** As in ids: `Action`. */
  readonly noun: string;
  /** Of one entity. */
  readonly path: string;
  readonly entity: JsonObject;
  readonly put: JsonObject;
  /** In ids, after the noun. */
  readonly place?: string;
}

function entityOperations(words: EntityWords): DocumentedOperation[] {
  const { collection, noun, path, entity, put, place = '' } = words;
  const tag = `${noun}s`;
  const what = `${noun.toLowerCase()}${place === '' ? '' : ' of a package'}`;
  const query: readonly QueryName[] = collection === 'actions' ? ['code'] : [];
  const force: readonly QueryName[] = collection === 'packages' ? ['force'] : [];
  return [
    {
      ...{ method: 'get', path, tag, id: `get${noun}${place}ByName`, summary: `Read the ${what}` },
      ...(query.length === 0 ? {} : { query }),
      answers: { 200: entity },
      errors: [409],
    },
    {
      ...{ method: 'put', path, tag, id: `update${noun}${place}`, summary: `Create or change the ${what}` },
      query: ['overwrite'],
      body: put,
      answers: { 200: entity },
      errors: [409, 412, 413, ...(collection === 'packages' ? [422] : [])],
    },
    {
      ...{ method: 'delete', path, tag, id: `delete${noun}${place}`, summary: `Delete the ${what}` },
      ...(force.length === 0 ? {} : { query: force }),
      answers: { 200: entity },
      errors: [409, 412],
    },
  ];
}

function list(collection: string, noun: string, item: JsonObject): DocumentedOperation {
  return {
    ...{ method: 'get', path: `${ns}/${collection}`, tag: `${noun}s`, id: `getAll${noun}s` },
    summary: `List ${collection}, the newest first`,
    query: [...page, ...(collection === 'actions' ? (['search'] as const) : [])],
    answers: { 200: listOf(item) },
  };
}

function invoke(path: string, place: string): DocumentedOperation {
  return {
    ...{ method: 'post', path, tag: 'Actions', id: `invokeAction${place}`, summary: 'Call the action' },
    query: ['blocking', 'result', 'timeout'],
    body: ref('Payload'),
    answers: {
      200: ref('Activation'),
      202: ref('ActivationId'),
      502: ref('Activation'),
    },
    errors: [413, 429, 503],
  };
}

function ofActivation(part: string, id: string, summary: string, answer: JsonObject): DocumentedOperation {
  const path = `${ns}/activations/{activationid}${part}`;
  return {
    ...{ method: 'get', path, tag: 'Activations', id, summary },
    query: ['pending'],
    answers: { 200: answer },
  };
}

const anyAnswer: Answers = { 200: 'The action’s answer' };
const webPath = '/web/{namespace}/{packageName}/{actionName}.{extension}';

function web(method: DocumentedMethod): DocumentedOperation {
  const summary = 'Call a web action, which needs no key';
  return {
    ...{ method, path: webPath, tag: 'Web actions', id: `${method}WebAction`, summary },
    ...(method === 'get' || method === 'delete' ? {} : { body: { description: 'Anything' } }),
    answers: anyAnswer,
  };
}

const action = { entity: ref('Action'), put: ref('ActionPut') };
const actionPath = `${ns}/actions/{actionName}`;
const packagedPath = `${ns}/actions/{packageName}/{actionName}`;
const rulePath = `${ns}/rules/{ruleName}`;
const triggerPath = `${ns}/triggers/{triggerName}`;

export const operations: readonly DocumentedOperation[] = [
  {
    ...{ method: 'get', path: '/namespaces', tag: 'Namespaces', id: 'getAllNamespaces' },
    summary: 'The namespace of the key',
    answers: { 200: listOf({ type: 'string' }) },
  },
  {
    ...{ method: 'get', path: `${ns}/limits`, tag: 'Limits', id: 'getLimits' },
    summary: 'What the namespace may use',
    answers: { 200: ref('UserLimits') },
  },
  list('actions', 'Action', ref('ActionMeta')),
  ...entityOperations({ ...action, collection: 'actions', noun: 'Action', path: actionPath }),
  invoke(actionPath, ''),
  {
    ...{ method: 'get', path: `${ns}/actions/{packageName}/`, tag: 'Actions', id: 'getActionsInPackage' },
    summary: 'List the actions of a package',
    query: page,
    answers: { 200: listOf(ref('ActionMeta')) },
  },
  ...entityOperations({
    ...action,
    ...{ collection: 'actions', noun: 'Action', path: packagedPath, place: 'InPackage' },
  }),
  invoke(packagedPath, 'InPackage'),
  list('packages', 'Package', ref('PackageMeta')),
  ...entityOperations({
    ...{ collection: 'packages', noun: 'Package', path: `${ns}/packages/{packageName}` },
    ...{ entity: ref('Package'), put: ref('PackagePut') },
  }),
  list('triggers', 'Trigger', ref('TriggerMeta')),
  ...entityOperations({
    ...{ collection: 'triggers', noun: 'Trigger', path: triggerPath },
    ...{ entity: ref('Trigger'), put: ref('TriggerPut') },
  }),
  {
    ...{ method: 'post', path: triggerPath, tag: 'Triggers', id: 'fireTrigger', summary: 'Fire the trigger' },
    body: ref('Payload'),
    answers: { 202: ref('ActivationId'), 204: 'No rule of it is active' },
    errors: [413, 429],
  },
  list('rules', 'Rule', ref('RuleMeta')),
  ...entityOperations({
    ...{ collection: 'rules', noun: 'Rule', path: rulePath },
    ...{ entity: ref('Rule'), put: ref('RulePut') },
  }),
  {
    ...{
      method: 'post',
      path: rulePath,
      tag: 'Rules',
      id: 'setState',
      summary: 'Enable or disable the rule',
    },
    body: ref('RuleStatus'),
    answers: { 200: ref('Rule') },
  },
  {
    ...{ method: 'get', path: `${ns}/activations`, tag: 'Activations', id: 'getActivations' },
    summary: 'List activations that have ended, the newest first',
    query: ['name', 'since', 'upto', 'failed', 'calls', 'start', 'fingerprint', 'took', 'docs', ...page],
    answers: { 200: listOf(ref('ActivationBrief')) },
  },
  ofActivation('', 'getActivationById', 'Its record with its log', ref('Activation')),
  ofActivation('/result', 'getActivationResult', 'Its result', ref('ActivationResult')),
  ofActivation('/logs', 'getActivationLogs', 'Its log', ref('ActivationLogs')),
  {
    ...{ method: 'get', path: `${ns}/activations/{activationid}/stream`, tag: 'Activations' },
    id: 'followActivation',
    summary: 'Follow its log until its end',
    produces: 'text/event-stream',
    answers: { 200: 'Events: log with a line each, and end with the record' },
  },
  ...(['get', 'put', 'post', 'delete'] as const).map(web),
];
