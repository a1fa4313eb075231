/**
 * Which web action an operation calls. Documents of OpenWhisk's gateway say it in `x-ibm-configuration`, by the id of
 * the operation; others in the operation's own `x-openwhisk`. Hosts in URLs are ignored: actions are always this
 * Ward's.
 */
import { z } from 'zod';
import {
  type EntityRef,
  type NamespaceName,
  parseEntityName,
  parseNamespaceName,
} from '../entities/names.ts';
import { apiInvalid, shown } from './api-document-paths.ts';
import { type ApiBackend, type ApiVerb, apiVerbs } from './api-document-types.ts';
import { splitWebName } from './web-name.ts';

const invoke = z.object({ 'target-url': z.string(), verb: z.string().optional() });
const setVariable = z.object({
  actions: z.array(z.object({ set: z.string(), value: z.unknown() })),
});
const step = z.object({ invoke: invoke.optional(), 'set-variable': setVariable.optional() });
const cases = z.object({
  case: z.array(z.object({ operations: z.array(z.string()), execute: z.array(step) })),
});

export const gatewayConfiguration = z.object({
  assembly: z
    .object({ execute: z.array(step.extend({ 'operation-switch': cases.optional() })).optional() })
    .optional(),
  cors: z.object({ enabled: z.boolean() }).optional(),
});

/** A part of an operation. */
export const whiskExtension = z.object({
  namespace: z.string(),
  package: z.string().optional(),
  action: z.string(),
  url: z.string().optional(),
});

type Configuration = z.infer<typeof gatewayConfiguration>;
type WhiskExtension = z.infer<typeof whiskExtension>;
type Step = z.infer<typeof step>;

export interface Backends {
  /** @throws Fault API_INVALID, NAME_INVALID */
  find(operationId: string | undefined, extension: WhiskExtension | undefined): ApiBackend | undefined;
}

const secretHeader = 'message.headers.x-require-whisk-auth';

/** @param own replaces `_` */
export function readBackends(configuration: Configuration | undefined, own: NamespaceName): Backends {
  const byOperation = new Map<string, readonly Step[]>();
  let forAll: readonly Step[] | undefined;
  for (const each of configuration?.assembly?.execute ?? []) {
    if (each.invoke !== undefined) forAll ??= [each];
    for (const { operations, execute } of each['operation-switch']?.case ?? []) {
      for (const id of operations) if (!byOperation.has(id)) byOperation.set(id, execute);
    }
  }
  return {
    find(operationId, extension) {
      const steps = (operationId === undefined ? undefined : byOperation.get(operationId)) ?? forAll;
      if (steps !== undefined) return fromSteps(steps, own);
      return extension === undefined ? undefined : fromExtension(extension, own);
    },
  };
}

function fromSteps(steps: readonly Step[], own: NamespaceName): ApiBackend | undefined {
  const target = steps.find((each) => each.invoke !== undefined)?.invoke;
  if (target === undefined) return undefined;
  const secret = steps
    .flatMap((each) => each['set-variable']?.actions ?? [])
    .find(({ set }) => set.toLowerCase() === secretHeader)?.value;
  return {
    ...parseBackendUrl(target['target-url'], own),
    verb: parseVerb(target.verb ?? 'keep'),
    secret: typeof secret === 'string' || typeof secret === 'number' ? String(secret) : undefined,
  };
}

function fromExtension({ namespace, action, url, ...rest }: WhiskExtension, own: NamespaceName): ApiBackend {
  const extension = url === undefined ? 'http' : parseBackendUrl(url, own).extension;
  return {
    action: actionRef(namespace, rest.package ?? '', action, own),
    extension,
    passesPath: extension === 'http',
    verb: undefined,
    secret: undefined,
  };
}

const webRoot = '/api/v1/web/';
const requestPath = '$(request.path)';

/** @throws Fault API_INVALID, NAME_INVALID */
function parseBackendUrl(
  url: string,
  own: NamespaceName,
): Pick<ApiBackend, 'action' | 'extension' | 'passesPath'> {
  const passesPath = url.endsWith(requestPath);
  const plain = (passesPath ? url.slice(0, -requestPath.length) : url).replace(/\/$/, '');
  const at = plain.indexOf(webRoot);
  const parts = at < 0 ? [] : plain.slice(at + webRoot.length).split('/');
  const [namespace, inPackage, last] = parts;
  if (parts.length !== 3 || namespace === undefined || inPackage === undefined || last === undefined) {
    throw apiInvalid(`'${shown(url)}' is not the URL of a web action.`);
  }
  const [name, extension] = splitWebName(decoded(last));
  return {
    action: actionRef(decoded(namespace), decoded(inPackage), name, own),
    extension,
    passesPath,
  };
}

function actionRef(namespace: string, inPackage: string, name: string, own: NamespaceName): EntityRef {
  return {
    namespace: namespace === '_' ? own : parseNamespaceName(namespace),
    package: inPackage === '' || inPackage === 'default' ? undefined : parseEntityName(inPackage),
    name: parseEntityName(name),
  };
}

function parseVerb(text: string): ApiVerb | undefined {
  if (text === 'keep') return undefined;
  const verb = apiVerbs.find((each) => each === text.toLowerCase());
  if (verb === undefined)
    throw apiInvalid(`'${shown(text)}' is not a method that an action can be called with.`);
  return verb;
}

/** @throws Fault API_INVALID */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw apiInvalid(`'${shown(text)}' is not a percent-encoded text.`);
  }
}
