/**
 * Actions: create, change, read, list, delete. A write is optimistic (the store refuses a stale one), gives
 * the action a new revision, ends its idle sandboxes and drops what the invoke path had cached, so that old
 * code is never served.
 */
import type { Dispatcher } from '../../dispatch/index.ts';
import { isFault } from '../../lib/index.ts';
import type { EntityRow, EntityStore } from '../../store/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import type { KeyValue } from '../entities/key-values.ts';
import {
  type EntityRef,
  fullNameOf,
  type NamespaceName,
  type NamespaceRef,
  pathOf,
} from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, functionFault, notFound, wrongCollection } from '../faults.ts';
import { type ActionRanges, actionRanges, checkKind, type SystemLimits } from '../limits.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { ShownParameter } from '../packages/package.ts';
import type { PackageService } from '../packages/packages.ts';
import type { Vault } from '../vault/vault.ts';
import {
  type Action,
  type ActionDescription,
  type ActionSummary,
  actionOfRow,
  describeAction,
  goingActionOfRow,
  rowOf,
  summariseAction,
} from './action.ts';
import {
  type ActionLocation,
  createActionLocator,
  inheritedParameters,
  visibleParameters,
} from './action-location.ts';
import {
  type ActionPut,
  createAction,
  isSequencePut,
  parseActionPut,
  sequenceExec,
  updateAction,
} from './action-put.ts';
import { type CodeGate, requireDeployable } from './code-gate.ts';
import type { CodeStore } from './code-store.ts';
import { blackboxKind, builtinKind, digestOf, type ExecDocument, isCode, isEmptyCode } from './exec.ts';
import { type ResolvedAction, resolveAction } from './resolved-action.ts';
import { aliasedKind, type Runtime } from './runtimes.ts';
import { vetSandbox } from './sandbox-vetting.ts';
import { checkSequence, missingComponent } from './sequence-check.ts';

/** An action as the API shows it; `code` (text or base64) only where it was asked for and there is any. */
export interface ActionView {
  readonly description: ActionDescription;
  readonly code: string | undefined;
  /** Warnings for its author. */
  readonly warning?: string | undefined;
}

export interface ActionService {
  /**
   * Creates, or with `overwrite` changes, an action from what a client sent.
   * @throws Fault BODY_INVALID, NAME_INVALID, KIND_UNSUPPORTED, CODE_INVALID, SEQUENCE_INVALID,
   * DEPLOYMENT_REFUSED, LIMIT_OUT_OF_RANGE, ENTITY_TOO_LARGE, NOT_FOUND (the package), BINDING_INVALID, NOT_AUTHORIZED (the kind, a component),
   * ALREADY_EXISTS, WRONG_COLLECTION, CONCURRENT_UPDATE; and of what it asks of its sandbox POLICY_EXCEEDED,
   * POLICY_INVALID, POLICY_NOT_MET, TIER_UNAVAILABLE
   */
  put(ref: EntityRef, body: unknown, overwrite: boolean, writer: Identity): Promise<ActionView>;
  /**
   * With its package's parameters under its own. Through a binding, it is the provider's action.
   * @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION
   */
  get(ref: EntityRef, withCode: boolean, reader: NamespaceName): Promise<ActionView>;
  /** Answers what it was. @throws Fault NOT_FOUND, WRONG_COLLECTION, BINDING_INVALID, CONCURRENT_UPDATE */
  delete(ref: EntityRef): Promise<ActionView>;
  /** Newest first; of one package if `within` names one. @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION */
  list(within: NamespaceRef, page: ListRange, reader: NamespaceName): Promise<readonly ActionSummary[]>;
  count(within: NamespaceRef, reader: NamespaceName): Promise<number>;
  /**
   * For the invoke path: at once when it was invoked lately.
   * @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION
   */
  resolve(ref: EntityRef, caller: NamespaceName): ResolvedAction | Promise<ResolvedAction>;
  /** As `put`, of code that Ward brings along: it is not scanned. */
  putOwn(ref: EntityRef, body: unknown, writer: Identity): Promise<void>;
  /** Makes one of Ward's own actions known under its name. Idempotent. */
  putBuiltin(ref: EntityRef, annotations: readonly KeyValue[]): Promise<void>;
  /** Ends what belongs to actions whose rows are gone: code, sandboxes. */
  clearAway(rows: readonly EntityRow[]): Promise<void>;
  /** Forgets what was read from the store. */
  forget(): void;
}

interface ActionServiceOptions {
  readonly entities: EntityStore;
  readonly packages: Pick<PackageService, 'resolve'>;
  readonly code: CodeStore;
  readonly vault: Vault;
  readonly dispatcher: Pick<Dispatcher, 'retire' | 'vet'>;
  readonly limits: SystemLimits;
  readonly runtimes: readonly Runtime[];
  readonly builtins: ReadonlyMap<string, BuiltinAction>;
  readonly gate?: Pick<CodeGate, 'admitCode' | 'admitImage'> | undefined;
}

const cacheCapacity = 10_000;

export function createActions(options: ActionServiceOptions): ActionService {
  const { entities, code, vault, runtimes } = options;
  const cache = createBoundedCache<ResolvedAction>(cacheCapacity);
  const locator = createActionLocator(options);

  const changed = (ref: EntityRef) => {
    // Bindings and other callers have it under names of their own.
    cache.clear();
    options.dispatcher.retire(`/${fullNameOf(ref)}`);
  };
  const view = async (
    action: Action,
    withCode: boolean,
    parameters: readonly ShownParameter[] = action.parameters,
  ): Promise<ActionView> => {
    const { exec } = action;
    const isShown = withCode && isCode(exec) && !(exec.kind === blackboxKind && isEmptyCode(exec));
    const text = isShown ? await code.load(exec) : undefined;
    return { description: describeAction(action, runtimes, parameters), code: text };
  };
  const clearAway = async (rows: readonly EntityRow[]) => {
    for (const row of rows) {
      if (row.collection !== 'actions') continue;
      const { ref, exec } = goingActionOfRow(row, vault);
      changed(ref);
      if (isCode(exec)) await code.drop(exec.digest);
    }
  };

  const put = async (
    ref: EntityRef,
    body: unknown,
    overwrite: boolean,
    writer: Identity,
    gate: ActionServiceOptions['gate'],
  ): Promise<ActionView> => {
    await locator.requireWritable(ref);
    const limits = actionRanges(options.limits, writer.limits);
    const put = parseActionPut(body, { limits, runtimes, own: writer.namespace });
    if (put.exec !== undefined) {
      const { kind } = put.exec;
      checkKind(writer.limits, kind, aliasedKind(runtimes, kind));
    }
    if (put.exec !== undefined && isSequencePut(put.exec)) {
      const find = (each: EntityRef) => findComponent(locator.locate, each, writer.namespace);
      await checkSequence(ref, put.exec.components, limits.sequenceLength, find);
    }
    const { before, after, warning } = await write({ ...options, limits, writer, gate }, ref, put, overwrite);
    changed(ref);
    const old = before === undefined ? null : digestOf(before.exec);
    if (old !== null && old !== digestOf(after.exec)) await code.drop(old);
    const sent = put.exec !== undefined && !isSequencePut(put.exec) ? put.exec.code : undefined;
    if (sent === undefined || sent === '') return { ...(await view(after, true)), warning };
    return { description: describeAction(after, runtimes), code: sent, warning };
  };

  return {
    clearAway,
    put: (ref, body, overwrite, writer) => put(ref, body, overwrite, writer, options.gate),
    async putOwn(ref, body, writer) {
      await put(ref, body, true, writer, undefined);
    },
    async get(ref, withCode, reader) {
      const location = await locator.locate(ref, reader);
      return view(location.action, withCode, visibleParameters(location, reader));
    },
    async delete(ref) {
      await locator.requireWritable(ref);
      const action = await locator.readGoing(ref);
      const was = await view(action, true);
      if (!(await entities.delete(ref.namespace, pathOf(ref), action.revision))) throw concurrentUpdate();
      changed(ref);
      if (isCode(action.exec)) await code.drop(action.exec.digest);
      return was;
    },
    async list(ref, page, reader) {
      const rows = await entities.list({ ...(await locator.within(ref, reader)), ...page });
      return rows.map((row) => summariseAction(actionOfRow(row, vault)));
    },
    async count(ref, reader) {
      return entities.count(await locator.within(ref, reader));
    },
    resolve(ref, caller) {
      const key = `${caller} ${fullNameOf(ref)}`;
      const known = cache.get(key);
      if (known !== undefined) return known;
      return cache
        .load(key, async () =>
          resolveAction(withBuiltin(options, await locator.locate(ref, caller)), runtimes),
        )
        .then((resolved) => {
          if (resolved === undefined) throw notFound();
          return resolved;
        });
    },
    async putBuiltin(ref, annotations) {
      const row = await entities.get(ref.namespace, pathOf(ref));
      const before = row?.collection === 'actions' ? actionOfRow(row, vault) : undefined;
      const put = { ...nothingPut, annotations };
      const exec = { kind: builtinKind } as const;
      const fresh = createAction(ref, put, exec, options.limits);
      if (before !== undefined && JSON.stringify(before.annotations) === JSON.stringify(fresh.annotations))
        return;
      if (await entities.put(rowOf(fresh, vault), row?.revision ?? null)) changed(ref);
    },
    forget: cache.clear,
  };
}

const nothingPut: ActionPut = {
  exec: undefined,
  parameters: undefined,
  annotations: undefined,
  delAnnotations: [],
  limits: {},
  version: undefined,
  publish: undefined,
};

function withBuiltin({ builtins }: Pick<ActionServiceOptions, 'builtins'>, location: ActionLocation) {
  const { action } = location;
  return {
    ...location,
    parameters: inheritedParameters(location),
    builtin: action.exec.kind === builtinKind ? builtins.get(pathOf(action.ref)) : undefined,
  };
}

/** A missing component is the sequence's fault; one that is not the caller's to use is said as such. */
async function findComponent(
  locate: (ref: EntityRef, caller: NamespaceName) => Promise<ActionLocation>,
  ref: EntityRef,
  caller: NamespaceName,
): Promise<Action> {
  try {
    return (await locate(ref, caller)).action;
  } catch (error) {
    if (isFault(error, 'NOT_FOUND') || isFault(error, 'WRONG_COLLECTION')) throw missingComponent(ref);
    throw error;
  }
}

interface WriteOptions extends Omit<ActionServiceOptions, 'limits'> {
  readonly limits: ActionRanges;
  readonly writer: Identity;
}

interface Written {
  readonly before: Action | undefined;
  readonly after: Action;
  readonly warning?: string | undefined;
}

async function write(
  { entities, code, vault, limits, gate, writer, dispatcher, runtimes }: WriteOptions,
  ref: EntityRef,
  put: ActionPut,
  overwrite: boolean,
): Promise<Written> {
  const row = await entities.get(ref.namespace, pathOf(ref));
  if (row !== undefined && row.collection !== 'actions') throw wrongCollection();
  if (row !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
  const readOld = put.parameters === undefined ? actionOfRow : goingActionOfRow;
  const before = row === undefined ? undefined : readOld(row, vault);

  const store = async (exec: ExecDocument | undefined): Promise<Action> => {
    const after =
      before === undefined ? createAction(ref, put, exec, limits) : updateAction(before, put, exec, limits);
    await vetSandbox(after, writer, { dispatcher, runtimes });
    if (!(await entities.put(rowOf(after, vault), row?.revision ?? null))) throw concurrentUpdate();
    return after;
  };
  if (put.exec === undefined) return { before, after: await store(undefined) };
  if (isSequencePut(put.exec)) return { before, after: await store(sequenceExec(put.exec)) };

  const { kind, image } = put.exec;
  const deployment = { namespace: writer.namespace, actor: writer.keyId, action: fullNameOf(ref) };
  const warning =
    gate === undefined || image === undefined
      ? undefined
      : requireDeployable(await gate.admitImage({ ...deployment, image }));
  const admit = async (bytes: Uint8Array) => {
    if (gate !== undefined) requireDeployable(await gate.admitCode({ ...deployment, kind, code: bytes }));
  };
  let stored: ExecDocument | undefined;
  try {
    const named = (exec: ExecDocument) => {
      stored = exec;
      return store(exec);
    };
    const after = await code.store(put.exec, named, admit);
    return { before, after, warning };
  } catch (error) {
    const digest = stored === undefined ? null : digestOf(stored);
    if (digest !== null) await code.drop(digest);
    throw error;
  }
}
