/**
 * Writes an action that a client has put. The gate first admits the code; then the code is stored, and the action's
 * row names it. A write is optimistic: the store refuses a stale one, and then its code is removed.
 */
import type { Digest } from '../../blobs/index.ts';
import type { Dispatcher } from '../../dispatch/index.ts';
import type { EntityRow, EntityStore } from '../../store/index.ts';
import type { RevisionCheck } from '../entities/entity-row.ts';
import { type EntityRef, fullNameOf, pathOf } from '../entities/names.ts';
import { effectiveAsk, sandboxAskOf } from '../entities/sandbox-ask.ts';
import { concurrentUpdate, entityChanged, functionFault, wrongCollection } from '../faults.ts';
import type { ActionRanges } from '../limits.ts';
import { type Identity, keyActorOf } from '../namespaces/namespaces.ts';
import type { Vault } from '../vault/vault.ts';
import { type Action, actionLimits, actionOfRow, lenientActionOfRow, rowOf } from './action.ts';
import {
  type ActionPut,
  type CodePut,
  createAction,
  isSequencePut,
  sequenceExec,
  updateAction,
} from './action-put.ts';
import { type CodeGate, requireDeployable } from './code-gate.ts';
import type { CodeStore } from './code-store.ts';
import { namedCode, replacedCode } from './earlier-code.ts';
import { digestOf, type ExecDocument, isCode } from './exec.ts';
import { type Runtime, runningKind } from './runtimes.ts';

export interface ActionWriteOptions {
  readonly entities: Pick<EntityStore, 'get' | 'put' | 'earlierCode'>;
  readonly code: Pick<CodeStore, 'store' | 'drop'>;
  readonly vault: Vault;
  readonly dispatcher: Pick<Dispatcher, 'checkTarget'>;
  readonly runtimes: readonly Runtime[];
  readonly limits: ActionRanges;
  readonly writer: Identity;
  /** Absent: everything may be deployed. */
  readonly gate?: Pick<CodeGate, 'admitCode' | 'admitImage'> | undefined;
}

export interface WriteConditions {
  /** Whether an action that exists may be changed. */
  readonly overwrite: boolean;
  /** Absent: from any revision. */
  readonly mayChange?: RevisionCheck | undefined;
}

export interface Written {
  readonly after: Action;
  /** Digests of code that the action named, and may not name any more. */
  readonly left: readonly Digest[];
  readonly warning?: string | undefined;
}

/** @throws Fault as `ActionService.put` */
export async function writeAction(
  options: ActionWriteOptions,
  ref: EntityRef,
  put: ActionPut,
  { overwrite, mayChange = () => true }: WriteConditions,
): Promise<Written> {
  const { entities, vault, limits } = options;
  const row = await entities.get(ref.namespace, pathOf(ref));
  if (row !== undefined && row.collection !== 'actions') throw wrongCollection();
  if (row !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
  if (!mayChange(row?.revision)) throw entityChanged();
  const before = row === undefined ? undefined : readOld(row, put, vault);

  let left: readonly Digest[] = [];
  const save = async (exec: ExecDocument | undefined): Promise<Action> => {
    const after =
      before === undefined ? createAction(ref, put, exec, limits) : updateAction(before, put, exec, limits);
    await checkSandbox(options, after);
    const earlier = replacedCode(before, after);
    if (exec !== undefined) left = await namedCode(entities, before);
    if (!(await entities.put(rowOf(after, vault), row?.revision ?? null, undefined, earlier)))
      throw concurrentUpdate();
    return after;
  };
  if (put.exec === undefined) return { after: await save(undefined), left };
  if (isSequencePut(put.exec)) return { after: await save(sequenceExec(put.exec)), left };
  const warning = await admitImage(options, ref, put.exec);
  return { after: await storeCode(options, ref, put.exec, save), left, warning };
}

/** Reads the old action. Parameters that will be replaced need not be readable. */
function readOld(row: EntityRow, put: ActionPut, vault: Vault): Action {
  return put.parameters === undefined ? actionOfRow(row, vault) : lenientActionOfRow(row, vault);
}

/**
 * Refuses an action whose sandbox the operator's policy or the server does not allow.
 * @throws Fault BODY_INVALID, POLICY_EXCEEDED, POLICY_INVALID, POLICY_NOT_MET, TIER_UNAVAILABLE
 */
async function checkSandbox(
  { dispatcher, runtimes, writer }: ActionWriteOptions,
  { exec, annotations, limits }: Action,
): Promise<void> {
  const sandbox = effectiveAsk(sandboxAskOf(annotations), writer.limits.sandbox);
  if (sandbox === undefined || !isCode(exec)) return;
  const kind = runningKind(runtimes, exec.kind);
  await dispatcher.checkTarget({ kind, limits: actionLimits(limits), sandbox });
}

/** Asks the gate about the image. Returns a warning for the author, if there is one. */
async function admitImage(
  { gate, writer }: ActionWriteOptions,
  ref: EntityRef,
  { image }: CodePut,
): Promise<string | undefined> {
  if (gate === undefined || image === undefined) return undefined;
  return requireDeployable(await gate.admitImage({ ...deploymentOf(ref, writer), image }));
}

/** Stores the code and saves its action. Drops the code if the action cannot be saved. */
async function storeCode(
  { code, gate, writer }: ActionWriteOptions,
  ref: EntityRef,
  put: CodePut,
  save: (exec: ExecDocument) => Promise<Action>,
): Promise<Action> {
  const admit = async (bytes: Uint8Array) => {
    if (gate === undefined) return;
    const deployment = { ...deploymentOf(ref, writer), kind: put.kind, code: bytes };
    requireDeployable(await gate.admitCode(deployment));
  };
  let stored: ExecDocument | undefined;
  const named = (exec: ExecDocument) => {
    stored = exec;
    return save(exec);
  };
  try {
    return await code.store(put, named, admit);
  } catch (error) {
    const digest = stored === undefined ? null : digestOf(stored);
    if (digest !== null) await code.drop(digest);
    throw error;
  }
}

function deploymentOf(ref: EntityRef, identity: Identity) {
  return { namespace: identity.namespace, actor: keyActorOf(identity), action: fullNameOf(ref) };
}
