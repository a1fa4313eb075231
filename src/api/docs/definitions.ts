/** Schemas of the API's bodies and answers, in Swagger 2.0. */
import { quotaNames } from '../../functions/index.ts';
import type { JsonObject } from '../../lib/index.ts';

const text = { type: 'string' };
const flag = { type: 'boolean' };
const whole = { type: 'integer' };
const anything = {};

export function ref(name: keyof typeof definitions): JsonObject {
  return { $ref: `#/definitions/${name}` };
}

export function listOf(items: JsonObject): JsonObject {
  return { type: 'array', items };
}

function object(required: JsonObject, optional: JsonObject = {}, description?: string): JsonObject {
  const names = Object.keys(required);
  return {
    type: 'object',
    ...(description === undefined ? {} : { description }),
    ...(names.length === 0 ? {} : { required: names }),
    properties: { ...required, ...optional },
  };
}

function named(name: string): JsonObject {
  return { $ref: `#/definitions/${name}` };
}

function range(what: string, schema: JsonObject): JsonObject {
  return { [`minAction${what}`]: schema, [`maxAction${what}`]: schema };
}

const megabytes = { ...whole, description: 'MB' };
const keyValues = listOf(named('KeyValue'));
const annotated = { annotations: keyValues };
/** Fields of every entity's answer. */
const entity = {
  namespace: text,
  name: text,
  version: text,
  publish: flag,
  annotations: keyValues,
  updated: { ...whole, description: 'Milliseconds since 1970' },
};
const putFields = { version: text, publish: flag, ...annotated };
const activationFields = {
  namespace: text,
  name: text,
  version: text,
  publish: flag,
  annotations: keyValues,
  activationId: text,
  start: { ...whole, description: 'Milliseconds since 1970' },
};
const activationEnd = {
  end: { ...whole, description: 'Milliseconds since 1970; absent for a trigger' },
  duration: { ...whole, description: 'Milliseconds' },
  cause: { ...text, description: 'The activation that called it' },
};

export const definitions = {
  KeyValue: object(
    { key: text },
    {
      value: { ...anything, description: 'Any JSON' },
      init: { ...flag, description: 'Whether the parameter goes to the environment of the sandbox' },
    },
  ),
  PathName: object({ path: { ...text, description: 'Namespace, and package' }, name: text }),
  ErrorMessage: object(
    { error: text, code: { ...text, description: 'The id of the request' } },
    {
      pending: named('Activation'),
      hint: { ...text, description: 'What to do' },
      missing: { ...text, description: 'The full name of the missing entity' },
    },
  ),
  ActionLimits: object(
    {
      timeout: { ...whole, description: 'Milliseconds' },
      memory: { ...whole, description: 'MB' },
      logs: { ...whole, description: 'MB' },
      concurrency: { ...whole, description: 'Calls that one sandbox runs at once' },
    },
    {
      instances: { ...whole, description: 'Sandboxes at once' },
      cpus: { type: 'number', description: 'Processors' },
      disk: { ...whole, description: 'MB' },
    },
  ),
  ActionExec: object(
    { kind: { ...text, description: 'A kind that GET / lists, sequence or blackbox' } },
    {
      code: { ...text, description: 'Text, or base64 of a zip or a program' },
      main: text,
      binary: { ...flag, description: 'Whether the code is base64; read only' },
      image: { ...text, description: 'Of kind blackbox' },
      deprecated: { ...flag, description: 'Whether another kind runs it' },
      runsAs: { ...text, description: 'The kind that runs it' },
      components: { ...listOf(text), description: 'Of kind sequence: full names of actions' },
    },
  ),
  ActionExecMeta: object({}, { binary: flag }),
  Action: object({
    ...entity,
    exec: named('ActionExec'),
    parameters: keyValues,
    limits: named('ActionLimits'),
  }),
  ActionMeta: object({ ...entity, exec: named('ActionExecMeta'), limits: named('ActionLimits') }),
  ActionPut: object(
    {},
    {
      ...putFields,
      exec: named('ActionExec'),
      parameters: keyValues,
      delAnnotations: listOf(text),
      limits: { type: 'object', description: 'The limits of ActionLimits to set' },
    },
    'A new action needs exec; what a change leaves out is kept',
  ),
  Payload: { type: 'object', description: 'Parameters of the call' },
  Rule: object({ ...entity, trigger: named('PathName'), action: named('PathName'), status: text }),
  RuleMeta: object({ ...entity, trigger: named('PathName'), action: named('PathName') }),
  RulePut: object(
    {},
    {
      ...putFields,
      trigger: { ...text, description: '/namespace/name' },
      action: { ...text, description: '/namespace/[package/]name' },
    },
  ),
  RuleStatus: object({ status: { ...text, enum: ['active', 'inactive'] } }),
  Trigger: object(
    { ...entity, parameters: keyValues, limits: { type: 'object' } },
    { rules: { type: 'object', description: 'By full name: the action and the status of each rule' } },
  ),
  TriggerMeta: object(entity),
  TriggerPut: object({}, { ...putFields, parameters: keyValues }),
  PackageBinding: object({ namespace: text, name: text }),
  PackageAction: object({ name: text, version: text, annotations: keyValues }),
  Package: object(
    {
      ...entity,
      parameters: keyValues,
      binding: { type: 'object', description: 'PackageBinding, or empty' },
    },
    { actions: listOf(named('PackageAction')), feeds: listOf(named('PackageAction')) },
  ),
  PackageMeta: object({ ...entity, binding: { ...anything, description: 'PackageBinding, or false' } }),
  PackagePut: object({}, { ...putFields, parameters: keyValues, binding: named('PackageBinding') }),
  ActivationBrief: object(activationFields, { ...activationEnd, statusCode: whole }),
  ActivationResult: object(
    {
      status: {
        ...text,
        enum: ['success', 'application error', 'action developer error', 'whisk internal error', 'pending'],
      },
      success: flag,
      result: anything,
    },
    { size: { ...whole, description: 'Of the result, in bytes' } },
  ),
  Activation: object(
    { ...activationFields, subject: text, response: named('ActivationResult'), logs: listOf(text) },
    activationEnd,
  ),
  ActivationId: object({ activationId: text }),
  ActivationLogs: object({ logs: listOf(text) }),
  UserLimits: object(
    {
      invocationsPerMinute: whole,
      concurrentInvocations: whole,
      firesPerMinute: whole,
      maxParameterSize: { ...text, description: 'Like 1 MB' },
      ...range('Memory', megabytes),
      ...range('Timeout', { ...whole, description: 'Milliseconds' }),
      ...range('Logs', megabytes),
      ...range('Concurrency', whole),
      maxActionInstances: whole,
      ...Object.fromEntries(quotaNames.map((name) => [name, { ...whole, description: 'Bytes' }])),
    },
    { allowedKinds: listOf(text), storeActivations: flag, sandbox: { type: 'object' } },
  ),
} as const satisfies JsonObject;
