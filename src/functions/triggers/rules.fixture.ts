/**
 * Triggers, rules, firings and deliveries on a real store and a real vault in a temporary folder. Only what invokes
 * actions is a double: it records the calls, and the test says how each ends.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { frameOf } from '../actions/record-frame.ts';
import type { InvokeRequest } from '../activations/invocations.ts';
import { endWithoutSandbox, recordOf, storedRecord } from '../activations/record.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { fullNameOf, parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { functionFault, notFound } from '../faults.ts';
import { defaultLimits } from '../limits.ts';
import { userLimits } from '../namespaces/namespace-limits.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import { createVault, type Vault } from '../vault/vault.ts';
import { Deliveries, type DeliveryService } from './deliveries.ts';
import { createFiring, type FireRequest, type FiringService } from './firing.ts';
import { createRules, type RuleService } from './rules.ts';
import { createTriggers, type TriggerService } from './triggers.ts';

/** How a call ends: at once, or only when the test says so. A thrown fault refuses it. */
type CallScript = (request: InvokeRequest) => 'success' | 'failure' | 'running';

export interface RuleParts extends AsyncDisposable {
  readonly store: Store;
  readonly vault: Vault;
  readonly triggers: TriggerService;
  readonly rules: RuleService;
  readonly firing: FiringService;
  readonly deliveries: DeliveryService;
  readonly guest: Identity;
  /** Full names of the existing actions. */
  readonly actions: Set<string>;
  readonly calls: InvokeRequest[];
  /** Admitted calls that have not ended. */
  readonly underWay: Map<string, PromiseWithResolvers<void>>;
  script: CallScript;
  /** Ends a running call. */
  finish(activationId: string, ending: 'success' | 'failure'): Promise<void>;
  fire(trigger: string, more?: Partial<FireRequest>): ReturnType<FiringService['fire']>;
  /** Makes a trigger, and rules to actions named like them, each with these annotations. */
  arrange(trigger: string, rules: readonly string[], annotations?: readonly object[]): Promise<void>;
  /** Opens the services again, as another process after this one was killed. */
  reopen(): RuleParts;
}

const limits = { ...defaultLimits, firesPerMinute: 1_000_000, invocationsPerMinute: 1_000_000 };

export async function startRules(): Promise<RuleParts> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-rules-'));
  const store = await openStore({ path: join(folder, 'data', 'ward.db') });
  const createdAt = Date.now();
  for (const name of ['guest', 'other']) {
    const keyId = randomBytes(16).toString('hex');
    await store.namespaces.create({ name, keyId, keyHash: keyId, limits: {}, settings: {}, createdAt });
  }
  const secret = randomBytes(32);
  const vault = createVault(() => [{ id: 'one', secret }]);
  const opened: RuleParts[] = [];
  const open = (): RuleParts => {
    const parts = openRules(store, vault, identityOf('guest', createdAt), open);
    opened.push(parts);
    return parts;
  };
  return Object.assign(open(), {
    async [Symbol.asyncDispose]() {
      for (const each of opened) await each.deliveries.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  });
}

function openRules(store: Store, vault: Vault, guest: Identity, reopen: () => RuleParts): RuleParts {
  const { entities, activations } = store;
  const calls: InvokeRequest[] = [];
  const actions = new Set<string>();
  const underWay = new Map<string, PromiseWithResolvers<void>>();

  const finish = async (activationId: string, ending: 'success' | 'failure') => {
    const call = calls.find((each) => each.activationId === activationId);
    if (call === undefined) throw new Error('no such call');
    await activations.append({
      row: storedRecord(recordOfCall(call, activationId, ending)),
      logs: [],
      settles: 0,
    });
    underWay.get(activationId)?.resolve();
    underWay.delete(activationId);
  };
  const invoke = async (request: InvokeRequest) => {
    calls.push(request);
    const { activationId = '', identity } = request;
    const ending = parts.script(request);
    underWay.set(activationId, Promise.withResolvers());
    await store.accepted.accept({
      activationId,
      namespace: identity.namespace,
      acceptedAt: Date.now(),
      owner: '',
      codeDigest: null,
      job: 0,
    });
    if (ending !== 'running') void finish(activationId, ending);
  };
  const deliveries = new Deliveries({
    store,
    vault,
    invoke,
    recorded: (id) => underWay.get(id)?.promise,
    identify: () => guest,
    log: silentLog,
  });
  const firing = createFiring({
    entities,
    activations,
    admission: { admitFire: () => {} },
    invoke,
    isUnderWay: (id) => underWay.has(id),
    deliveries,
    vault,
  });
  const triggers = createTriggers({ entities, vault, limits, onChanged: firing.changed });
  const rules = createRules({
    entities,
    limits,
    onChanged: firing.changed,
    async requireAction(action, caller) {
      if (action.namespace !== caller) throw functionFault('NOT_AUTHORIZED', 'not yours');
      if (!actions.has(fullNameOf(action))) throw notFound();
    },
  });
  const parts: RuleParts = {
    store,
    vault,
    triggers,
    rules,
    firing,
    deliveries,
    guest,
    actions,
    calls,
    underWay,
    script: () => 'success',
    finish,
    fire: (trigger, more) =>
      firing.fire({
        identity: guest,
        trigger: plain(trigger),
        payload: {},
        transactionId: 'tid',
        authorization: undefined,
        ...more,
      }),
    async arrange(trigger, names, annotations = []) {
      await triggers.put(plain(trigger), {}, false);
      for (const name of names) {
        actions.add(`guest/${name}`);
        const body = { trigger: `/_/${trigger}`, action: `/_/${name}`, annotations };
        await rules.put(plain(`on-${name}`), body, false);
      }
    },
    reopen,
    async [Symbol.asyncDispose]() {},
  };
  return parts;
}

function recordOfCall(call: InvokeRequest, activationId: string, ending: 'success' | 'failure') {
  const action = `/${fullNameOf(call.action)}`;
  const kind = 'nodejs:24';
  const jobLimits = { timeoutMs: 60_000, memoryMiB: 256, logBytes: 1024, concurrency: 1 };
  const frame = frameOf({ action, version: '0.0.1', kind, limits: jobLimits });
  const task = {
    type: 'composed' as const,
    activationId,
    transactionId: call.transactionId,
    namespace: call.identity.namespace,
    action,
    named: action,
    version: '0.0.1',
    kind,
    scope: 'full' as const,
    isConductor: false,
    limits: jobLimits,
    parameters: call.payload,
    acceptedAt: Date.now(),
  };
  const now = Date.now();
  const isGood = ending === 'success';
  const result = isGood ? {} : { error: 'it broke' };
  return recordOf(task, frame, endWithoutSandbox(isGood ? 'success' : 'application error', result, now, now));
}

export function plain(name: string, namespace = 'guest'): PlainRef {
  return { namespace: parseNamespaceName(namespace), name: parseEntityName(name) };
}

function identityOf(name: string, createdAt: number): Identity {
  const namespace = parseNamespaceName(name);
  const keyId = '00000000-0000-0000-0000-000000000000';
  return { namespace, subject: name, keyId, scope: 'full', createdAt, limits: userLimits(limits, {}) };
}
