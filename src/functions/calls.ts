/** Puts together calls of actions, what runs them, and the queue of accepted calls. */
import type { AdmissionControl, Dispatcher } from '../dispatch/index.ts';
import type { JsonObject, Log } from '../lib/index.ts';
import type { Store } from '../store/index.ts';
import type { ActionService } from './actions/actions.ts';
import type { CodeGate } from './actions/code-gate.ts';
import type { CodeStore } from './actions/code-store.ts';
import { fromQueue } from './activations/accepted-task.ts';
import { type ActivationService, Activations } from './activations/activations.ts';
import { createComponents } from './activations/components.ts';
import { compose } from './activations/composer.ts';
import { Executions } from './activations/executions.ts';
import { createInvocations, type InvocationService } from './activations/invocations.ts';
import { createQueueLease, type QueueLease } from './activations/queue-lease.ts';
import { frameOfTask, pendingRecord } from './activations/record.ts';
import type { RecordKeeperOptions } from './activations/record-keeper.ts';
import type { RunOptions } from './activations/running.ts';
import type { Tracing } from './activations/trace-context.ts';
import type { SystemLimits } from './limits.ts';
import type { NamespaceService } from './namespaces/namespaces.ts';
import type { DiskAdmission } from './namespaces/quotas.ts';
import type { Vault } from './vault/vault.ts';

interface CallsOptions {
  readonly store: Store;
  readonly admission: Pick<AdmissionControl, 'admit' | 'resume' | 'usage' | 'allowed'>;
  readonly dispatcher: Pick<Dispatcher, 'run' | 'cancel' | 'warm'>;
  readonly vault: Vault;
  readonly tracing?: Tracing | undefined;
  readonly isAlone: boolean;
  readonly gate?: CodeGate;
  readonly disk?: DiskAdmission;
  readonly limits: Pick<SystemLimits, 'sequenceLength'>;
  readonly namespaces: NamespaceService;
  readonly actions: Pick<ActionService, 'resolve'>;
  readonly code: CodeStore;
  readonly onRecordLost: () => void;
  readonly onKept: RecordKeeperOptions['onKept'];
  readonly onOverload?: RunOptions['onOverload'];
  readonly log: Log;
}

export interface Calls {
  readonly activations: ActivationService;
  readonly executions: Executions;
  readonly invocations: InvocationService;
  readonly lease: QueueLease;
}

export function createCalls(options: CallsOptions): Calls {
  const { store, dispatcher, isAlone, gate, limits, namespaces, actions, log } = options;
  const { accepted } = store;
  const activations = new Activations(
    store.activations,
    (namespace, id) => findPending(options, executions, namespace, id),
    isAlone,
  );
  const lease = createQueueLease({ accepted, isAlone, log });
  const executions: Executions = new Executions({
    ...options,
    lease,
    activations,
    compose: (...parts) =>
      compose({ actions, namespaces, components, maxLength: limits.sequenceLength, log }, ...parts),
  });
  const components = createComponents({ executions, activations: store.activations, dispatcher, gate });
  const invocations = createInvocations({
    ...options,
    accepted,
    lease,
    activations: store.activations,
    executions,
    recording: store.recording,
  });
  return { activations, executions, invocations, lease };
}

/** The pending record of an activation. Undefined if none is under way. @throws Fault VAULT_KEY_MISSING */
async function findPending(
  { store, vault }: CallsOptions,
  executions: Executions,
  namespace: string,
  activationId: string,
): Promise<JsonObject | undefined> {
  const execution = executions.find(activationId);
  if (execution !== undefined) {
    const { task, frame } = execution;
    return task.namespace === namespace ? pendingRecord(task, frame) : undefined;
  }
  const row = await store.accepted.get(namespace, activationId);
  const parsed = row === undefined ? undefined : fromQueue(row.job, vault);
  return parsed === undefined ? undefined : pendingRecord(parsed.task, frameOfTask(parsed.task));
}
