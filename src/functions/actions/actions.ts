/**
 * Actions: create, change, read, list, delete. A write is optimistic (the store refuses a stale one). It gives the
 * action a new revision, ends its idle sandboxes and clears the cache of the invoke path, so that old code is never
 * served.
 */
import { isDigest } from '../../blobs/index.ts';
import type { Dispatcher } from '../../dispatch/index.ts';
import { isFault } from '../../lib/index.ts';
import type { EntityStore } from '../../store/index.ts';
import type { BuiltinAction } from '../builtin.ts';
import { createBoundedCache } from '../entities/bounded-cache.ts';
import { type Changed, type Forgetful, sourceOf } from '../entities/changed.ts';
import type { DeletedEntities, PlainRef, RevisionCheck } from '../entities/entity-row.ts';
import type { KeyValue, ShownParameter } from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, type NamespaceName, pathOf } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { withoutWebSecrets } from '../entities/web-secret.ts';
import { concurrentUpdate, entityChanged, notFound } from '../faults.ts';
import { type ActionRanges, actionRanges, checkKind, type SystemLimits } from '../limits.ts';
import type { Identity } from '../namespaces/namespaces.ts';
import type { PackageService } from '../packages/packages.ts';
import {
  type Action,
  type ActionDescription,
  type ActionSummary,
  actionOfRow,
  describeAction,
  lenientActionOfRow,
  rowOf,
  summariseAction,
} from './action.ts';
import {
  type ActionLocation,
  type ActionLocator,
  type ActionScope,
  createActionLocator,
  inheritedParameters,
  visibleParameters,
} from './action-location.ts';
import { type ActionPut, createAction, isSequencePut, parseActionPut } from './action-put.ts';
import { type ActionWriteOptions, type WriteConditions, writeAction } from './action-write.ts';
import type { Runnable } from './code-gate.ts';
import type { CodeStore } from './code-store.ts';
import { type EarlierCodeView, namedCode, readEarlierCode } from './earlier-code.ts';
import { blackboxKind, builtinKind, digestOf, isCode, isEmptyCode } from './exec.ts';
import { type ResolvedAction, resolveAction } from './resolved-action.ts';
import { aliasedKind } from './runtimes.ts';
import { checkSequence, missingComponent } from './sequence-check.ts';

/** An action as the API shows it. `code` (text or base64) is present only if it was asked for and exists. */
export interface ActionView {
  readonly description: ActionDescription;
  readonly code: string | undefined;
  /** Another one after every change. */
  readonly revision: string;
  /** Warnings for the author. */
  readonly warning?: string | undefined;
}

export interface ActionService extends Forgetful {
  /**
   * Creates, or with `overwrite` changes, an action from what a client sent.
   * @throws Fault BODY_INVALID, NAME_INVALID, KIND_UNSUPPORTED, CODE_INVALID, SEQUENCE_INVALID,
   * DEPLOYMENT_REFUSED, LIMIT_OUT_OF_RANGE, ENTITY_TOO_LARGE, NOT_FOUND (the package), BINDING_INVALID, NOT_AUTHORIZED (the kind, a component),
   * ALREADY_EXISTS, WRONG_COLLECTION, CONCURRENT_UPDATE, ENTITY_CHANGED; and of what it asks of its sandbox POLICY_EXCEEDED,
   * POLICY_INVALID, POLICY_NOT_MET, TIER_UNAVAILABLE
   */
  put(
    ref: EntityRef,
    body: unknown,
    overwrite: boolean,
    writer: Identity,
    mayChange?: RevisionCheck,
  ): Promise<ActionView>;
  /**
   * Reads an action, with its package's parameters merged under its own. Through a binding, it is the provider's
   * action.
   * @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION
   */
  get(ref: EntityRef, withCode: boolean, reader: NamespaceName): Promise<ActionView>;
  /**
   * Reads the code that the last change of the action's code replaced, of an action of exactly this name.
   * @throws Fault EARLIER_CODE_MISSING, NOT_FOUND, WRONG_COLLECTION
   */
  earlierCode(ref: EntityRef): Promise<EarlierCodeView>;
  /**
   * Deletes an action and returns it. @throws Fault NOT_FOUND, WRONG_COLLECTION, BINDING_INVALID, CONCURRENT_UPDATE,
   * ENTITY_CHANGED
   */
  delete(ref: EntityRef, mayChange?: RevisionCheck): Promise<ActionView>;
  /**
   * Lists actions, newest first. Only those of one package if `within` names one. @throws Fault NOT_FOUND,
   * NOT_AUTHORIZED, WRONG_COLLECTION
   */
  list(within: ActionScope, page: ListRange, reader: NamespaceName): Promise<readonly ActionSummary[]>;
  count(within: ActionScope, reader: NamespaceName): Promise<number>;
  /**
   * The same page as `list`: the path of each action, and what a call runs; undefined for what runs no code of its own.
   * @throws as `list`
   */
  runnables(
    within: ActionScope,
    page: ListRange,
    reader: NamespaceName,
  ): Promise<readonly { readonly path: string; readonly runnable: Runnable | undefined }[]>;
  /**
   * Resolves an action for the invoke path. Synchronous if it was invoked recently.
   * @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION
   */
  resolve(ref: EntityRef, caller: NamespaceName): ResolvedAction | Promise<ResolvedAction>;
  /** Like `put`, but for Ward's own code, which is not scanned. */
  putOwn(ref: EntityRef, body: unknown, writer: Identity): Promise<void>;
  /** Registers one of Ward's built-in actions under its name. Idempotent. */
  putBuiltin(ref: EntityRef, annotations: readonly KeyValue[]): Promise<void>;
  /** Ends the sandboxes of deleted actions and drops their code. */
  clearAway(deleted: DeletedEntities): Promise<void>;
  /** Must be called when a package was written. */
  packageChanged(ref: PlainRef): void;
}

interface ActionServiceOptions extends Omit<ActionWriteOptions, 'limits' | 'writer'> {
  readonly entities: EntityStore;
  readonly packages: Pick<PackageService, 'resolve'>;
  readonly code: CodeStore;
  readonly dispatcher: Pick<Dispatcher, 'retire' | 'checkTarget'>;
  readonly limits: SystemLimits;
  readonly builtins: ReadonlyMap<string, BuiltinAction>;
  /** An action was created or changed. Must not throw. */
  readonly onPut?: (ref: EntityRef, writer: Identity) => void;
}

const cacheCapacity = 10_000;

export class Actions implements ActionService {
  readonly #options: ActionServiceOptions;
  readonly #locator: ActionLocator;
  readonly #cache = createBoundedCache<ResolvedAction>(cacheCapacity);

  constructor(options: ActionServiceOptions) {
    this.#options = options;
    this.#locator = createActionLocator(options);
  }

  put(
    ref: EntityRef,
    body: unknown,
    overwrite: boolean,
    writer: Identity,
    mayChange?: RevisionCheck,
  ): Promise<ActionView> {
    return this.#put(this.#options, ref, body, { overwrite, mayChange }, writer);
  }

  async putOwn(ref: EntityRef, body: unknown, writer: Identity): Promise<void> {
    await this.#put({ ...this.#options, gate: undefined }, ref, body, { overwrite: true }, writer);
  }

  async putBuiltin(ref: EntityRef, annotations: readonly KeyValue[]): Promise<void> {
    const { entities, vault, limits } = this.#options;
    const row = await entities.get(ref.namespace, pathOf(ref));
    const before = row?.collection === 'actions' ? actionOfRow(row, vault) : undefined;
    const fresh = createAction(ref, { ...nothingPut, annotations }, { kind: builtinKind }, limits);
    if (before !== undefined && JSON.stringify(before.annotations) === JSON.stringify(fresh.annotations))
      return;
    if (await entities.put(rowOf(fresh, vault), row?.revision ?? null)) this.#changed(ref);
  }

  async get(ref: EntityRef, withCode: boolean, reader: NamespaceName): Promise<ActionView> {
    const location = await this.#locator.locate(ref, reader);
    const { action } = location;
    const isOwn = action.ref.namespace === reader;
    const seen = isOwn ? action : { ...action, annotations: withoutWebSecrets(action.annotations) };
    return this.#view(seen, withCode, visibleParameters(location, reader));
  }

  async earlierCode(ref: EntityRef): Promise<EarlierCodeView> {
    return readEarlierCode(this.#options, await this.#locator.readLeniently(ref));
  }

  async delete(ref: EntityRef, mayChange: RevisionCheck = () => true): Promise<ActionView> {
    const { entities, code } = this.#options;
    await this.#locator.requireWritable(ref);
    const action = await this.#locator.readLeniently(ref);
    if (!mayChange(action.revision)) throw entityChanged();
    const was = await this.#view(action, true);
    const left = await namedCode(entities, action);
    if (!(await entities.delete(ref.namespace, pathOf(ref), action.revision))) throw concurrentUpdate();
    this.#changed(ref);
    for (const digest of left) await code.drop(digest);
    return was;
  }

  async list(within: ActionScope, page: ListRange, reader: NamespaceName): Promise<readonly ActionSummary[]> {
    const { entities, vault } = this.#options;
    const rows = await entities.list({ ...(await this.#locator.within(within, reader)), ...page });
    return rows.map((row) => summariseAction(actionOfRow(row, vault)));
  }

  async runnables(within: ActionScope, page: ListRange, reader: NamespaceName) {
    const { entities, vault, runtimes } = this.#options;
    const rows = await entities.list({ ...(await this.#locator.within(within, reader)), ...page });
    return rows.map((row) => {
      const { ref, exec } = lenientActionOfRow(row, vault);
      if (!isCode(exec)) return { path: row.path, runnable: undefined };
      const { image, digest } = exec;
      const kind = aliasedKind(runtimes, exec.kind) ?? exec.kind;
      return { path: row.path, runnable: { kind, image, digest, owner: ref.namespace } };
    });
  }

  async count(within: ActionScope, reader: NamespaceName): Promise<number> {
    return this.#options.entities.count(await this.#locator.within(within, reader));
  }

  resolve(ref: EntityRef, caller: NamespaceName): ResolvedAction | Promise<ResolvedAction> {
    const key = `${caller} ${fullNameOf(ref)}`;
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const read = async () => {
      const location = withBuiltin(this.#options, await this.#locator.locate(ref, caller));
      return resolveAction(location, this.#options.runtimes);
    };
    return this.#cache.load(key, read).then((resolved) => {
      if (resolved === undefined) throw notFound();
      return resolved;
    });
  }

  async clearAway({ rows, earlierCode }: DeletedEntities): Promise<void> {
    const { code, vault } = this.#options;
    for (const row of rows) {
      if (row.collection !== 'actions') continue;
      const { ref, exec } = lenientActionOfRow(row, vault);
      this.#changed(ref);
      if (isCode(exec)) await code.drop(exec.digest);
    }
    for (const digest of earlierCode) if (isDigest(digest)) await code.drop(digest);
  }

  packageChanged({ namespace, name }: PlainRef): void {
    this.#drop(new Set([sourceOf({ namespace, package: name, name })]));
  }

  forget(changed?: Changed): void {
    if (changed === undefined) this.#cache.clear();
    else this.#drop(changed.actions);
  }

  async #put(
    options: ActionServiceOptions,
    ref: EntityRef,
    body: unknown,
    conditions: WriteConditions,
    writer: Identity,
  ): Promise<ActionView> {
    await this.#locator.requireWritable(ref);
    const { runtimes, code } = options;
    const limits = actionRanges(options.limits, writer.limits);
    const put = parseActionPut(body, { limits, runtimes, own: writer.namespace });
    await this.#checkExec(ref, put, limits, writer);
    const { after, left, warning } = await writeAction({ ...options, limits, writer }, ref, put, conditions);
    this.#changed(ref);
    this.#options.onPut?.(ref, writer);
    for (const digest of left) if (digest !== digestOf(after.exec)) await code.drop(digest);
    const sent = put.exec !== undefined && !isSequencePut(put.exec) ? put.exec.code : undefined;
    if (sent === undefined || sent === '') return { ...(await this.#view(after, true)), warning };
    return { description: describeAction(after, runtimes), code: sent, revision: after.revision, warning };
  }

  /** @throws Fault NOT_AUTHORIZED (the kind, a component), SEQUENCE_INVALID */
  async #checkExec(
    ref: EntityRef,
    { exec }: ActionPut,
    { sequenceLength }: ActionRanges,
    writer: Identity,
  ): Promise<void> {
    if (exec === undefined) return;
    checkKind(writer.limits, exec.kind, aliasedKind(this.#options.runtimes, exec.kind));
    if (!isSequencePut(exec)) return;
    const find = (component: EntityRef) => findComponent(this.#locator, component, writer.namespace);
    await checkSequence(ref, exec.components, sequenceLength, find);
  }

  async #view(
    action: Action,
    withCode: boolean,
    parameters: readonly ShownParameter[] = action.parameters,
  ): Promise<ActionView> {
    const { code, runtimes } = this.#options;
    const { exec } = action;
    const isShown = withCode && isCode(exec) && !(exec.kind === blackboxKind && isEmptyCode(exec));
    const text = isShown ? await code.load(exec) : undefined;
    return {
      description: describeAction(action, runtimes, parameters),
      code: text,
      revision: action.revision,
    };
  }

  #changed(ref: EntityRef): void {
    this.#drop(new Set([sourceOf(ref)]));
    this.#options.dispatcher.retire(`/${fullNameOf(ref)}`);
  }

  /** Bindings and other callers have cached it under other names. */
  #drop(changed: ReadonlySet<string>): void {
    this.#cache.dropWhere(({ sources }) => sources.some((source) => changed.has(source)));
  }
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

/** Finds a component. A missing one is a fault of the sequence; one that the caller may not use is NOT_AUTHORIZED. */
async function findComponent(
  locator: Pick<ActionLocator, 'locate'>,
  ref: EntityRef,
  caller: NamespaceName,
): Promise<Action> {
  try {
    return (await locator.locate(ref, caller)).action;
  } catch (error) {
    if (isFault(error, 'NOT_FOUND') || isFault(error, 'WRONG_COLLECTION')) throw missingComponent(ref);
    throw error;
  }
}
