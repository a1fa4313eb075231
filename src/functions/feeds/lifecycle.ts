/**
 * The feed protocol: an action that is called with `lifecycleEvent` and `triggerName`. A namespace manages only the
 * feeds of its own triggers. The call's identity determines the namespace. The `authKey` that clients also send is
 * checked but not kept, because feeds fire in the name of the namespace.
 */
import type { JsonObject, KeyedLock } from '../../lib/index.ts';
import type { BuiltinAction, BuiltinContext } from '../builtin.ts';
import { type PlainRef, plainNameOf } from '../entities/entity-row.ts';
import type { KeyValue } from '../entities/key-values.ts';
import { fullNameOf, parseFullName } from '../entities/names.ts';
import { notAuthorized } from '../faults.ts';
import { requireRight } from '../namespaces/key-scopes.ts';
import type { Identity, NamespaceService } from '../namespaces/namespaces.ts';
import { invalidFeed, parameter } from './parameters.ts';

const lifecycleEvents = ['CREATE', 'READ', 'UPDATE', 'PAUSE', 'UNPAUSE', 'DELETE'] as const;
type LifecycleEvent = (typeof lifecycleEvents)[number];

interface FeedCall {
  readonly trigger: PlainRef;
  readonly args: JsonObject;
  readonly identity: Identity;
}

export type Lifecycle = Readonly<Record<LifecycleEvent, (call: FeedCall) => Promise<JsonObject>>>;

export interface FeedParameter {
  readonly name: string;
  readonly required: boolean;
  readonly description: string;
}

export interface FeedDescription {
  /** `package/name`. */
  readonly path: string;
  readonly description: string;
  readonly parameters: readonly FeedParameter[];
}

export interface FeedActionOptions {
  readonly namespaces: Pick<NamespaceService, 'authenticate'>;
  /** By the trigger's path, so that a change of its feed and its firing wait for each other. */
  readonly lock: KeyedLock;
}

export const success: JsonObject = { status: 'success' };

/** @throws Fault (from the action's `run`) FEED_INVALID, NAME_INVALID, NOT_AUTHORIZED, and those of the lifecycle */
export function feedAction(
  { path, description, parameters }: FeedDescription,
  lifecycle: Lifecycle,
  options: FeedActionOptions & Pick<BuiltinAction, 'recorded'>,
): BuiltinAction {
  const annotations: readonly KeyValue[] = [
    { key: 'description', value: description },
    { key: 'parameters', value: parameters.map((each) => ({ ...each })) },
    { key: 'feed', value: true },
  ];
  return {
    path,
    annotations,
    ...(options.recorded && { recorded: options.recorded }),
    async run(args, { identity }) {
      const event = eventOf(args);
      const trigger = triggerOf(args, identity);
      const fullName = fullNameOf({ ...trigger, package: undefined });
      requireRight(identity.scope, event === 'READ' ? 'read' : 'deploy', fullName);
      await checkAuthKey(args, identity, options.namespaces);
      return options.lock.run(plainNameOf(trigger), () => lifecycle[event]({ trigger, args, identity }));
    },
  };
}

function eventOf(args: JsonObject): LifecycleEvent {
  const sent = parameter(args, 'lifecycleEvent');
  const event = lifecycleEvents.find((each) => each === sent);
  if (event !== undefined) return event;
  throw invalidFeed(`unsupported lifecycleEvent, it must be one of [${lifecycleEvents.join(', ')}]`);
}

function triggerOf(args: JsonObject, { namespace: own }: BuiltinContext['identity']): PlainRef {
  const sent = parameter(args, 'triggerName');
  if (sent === undefined) throw invalidFeed('no trigger name parameter was provided');
  if (typeof sent !== 'string') throw invalidFeed('the triggerName parameter must be a string');
  const {
    namespace,
    package: inPackage,
    name,
  } = parseFullName(sent.includes('/') ? sent : `/_/${sent}`, own);
  if (inPackage !== undefined) throw invalidFeed('the triggerName parameter must not name a package');
  if (namespace !== own) throw notAuthorized(`${namespace}/${name}`);
  return { namespace, name };
}

async function checkAuthKey(
  args: JsonObject,
  { namespace }: Identity,
  namespaces: FeedActionOptions['namespaces'],
): Promise<void> {
  const sent = parameter(args, 'authKey');
  if (sent === undefined) return;
  const header = `Basic ${Buffer.from(String(sent)).toString('base64')}`;
  const owner = await Promise.resolve()
    .then(() => namespaces.authenticate(header))
    .catch(() => undefined);
  if (owner?.namespace !== namespace) throw invalidFeed('Trigger authentication request failed.');
}
