/**
 * Actions: create, change, read, list, delete. A write is optimistic (the store refuses a stale one), gives
 * the action a new revision, ends its idle sandboxes and drops what the invoke path had cached, so that old
 * code is never served.
 */
import type { Invoker } from '../invoker/index.ts';
import type { EntityRow, EntityStore } from '../store/index.ts';
import {
  type Action,
  type ActionDescription,
  type ActionSummary,
  actionOfRow,
  describeAction,
  documentOf,
  type ExecDocument,
  summariseAction,
} from './action.ts';
import { type ActionPut, createAction, parseActionPut, updateAction } from './action-put.ts';
import { createBoundedCache } from './bounded-cache.ts';
import type { CodeStore } from './code-store.ts';
import { concurrentUpdate, functionFault, notFound, wrongCollection } from './faults.ts';
import type { SystemLimits } from './limits.ts';
import { type EntityName, type EntityRef, fullNameOf, type NamespaceRef, pathOf } from './names.ts';
import { type ResolvedAction, resolveAction } from './resolved-action.ts';
import type { Runtime } from './runtimes.ts';

/** An action as the API shows it; `code` (text or base64) only where it was asked for. */
export interface ActionView {
  readonly description: ActionDescription;
  readonly code: string | undefined;
}

export interface Page {
  readonly skip: number;
  readonly limit: number;
}

export interface ActionService {
  /**
   * Creates, or with `overwrite` changes, an action from what a client sent.
   * @throws Fault BODY_INVALID, KIND_UNSUPPORTED, CODE_INVALID, LIMIT_OUT_OF_RANGE, ENTITY_TOO_LARGE,
   * NOT_FOUND (the package), ALREADY_EXISTS, WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  put(ref: EntityRef, body: unknown, overwrite: boolean): Promise<ActionView>;
  /** @throws Fault NOT_FOUND, WRONG_COLLECTION */
  get(ref: EntityRef, withCode: boolean): Promise<ActionView>;
  /** Answers what it was. @throws Fault NOT_FOUND, WRONG_COLLECTION, CONCURRENT_UPDATE */
  delete(ref: EntityRef): Promise<ActionView>;
  /** Newest first; of one package if `within` names one. @throws Fault NOT_FOUND, WRONG_COLLECTION */
  list(within: NamespaceRef, page: Page): Promise<readonly ActionSummary[]>;
  count(within: NamespaceRef): Promise<number>;
  /** For the invoke path: at once when it was invoked lately. @throws Fault NOT_FOUND, WRONG_COLLECTION */
  resolve(ref: EntityRef): ResolvedAction | Promise<ResolvedAction>;
  /** Forgets what was read from the store. */
  forget(): void;
}

export interface ActionServiceOptions {
  readonly entities: EntityStore;
  readonly code: CodeStore;
  readonly invoker: Pick<Invoker, 'retire'>;
  readonly limits: SystemLimits;
  readonly runtimes: readonly Runtime[];
}

const cacheCapacity = 10_000;

export function createActions(options: ActionServiceOptions): ActionService {
  const { entities, code } = options;
  const cache = createBoundedCache<ResolvedAction>(cacheCapacity);

  const read = async (ref: EntityRef): Promise<Action> => {
    await requirePackage(entities, ref.namespace, ref.package);
    const row = await entities.get(ref.namespace, pathOf(ref));
    if (row === undefined) throw notFound();
    if (row.collection !== 'actions') throw wrongCollection();
    return actionOfRow(row);
  };
  const changed = (ref: EntityRef) => {
    cache.drop(fullNameOf(ref));
    options.invoker.retire(`/${fullNameOf(ref)}`);
  };
  const within = async ({ namespace, package: inPackage }: NamespaceRef) => {
    await requirePackage(entities, namespace, inPackage);
    const query = { namespace, collection: 'actions' as const };
    return inPackage === undefined ? query : { ...query, package: inPackage };
  };

  return {
    async put(ref, body, overwrite) {
      const put = parseActionPut(body, options.limits, options.runtimes);
      await requirePackage(entities, ref.namespace, ref.package);
      const { before, after } = await write(options, ref, put, overwrite);
      changed(ref);
      if (before !== undefined && before.exec.digest !== after.exec.digest) {
        await code.drop(before.exec.digest);
      }
      return { description: describeAction(after), code: put.exec?.code ?? (await code.load(after.exec)) };
    },
    async get(ref, withCode) {
      const action = await read(ref);
      const text = withCode ? await code.load(action.exec) : undefined;
      return { description: describeAction(action), code: text };
    },
    async delete(ref) {
      const action = await read(ref);
      const text = await code.load(action.exec);
      if (!(await entities.delete(ref.namespace, pathOf(ref), action.revision))) throw concurrentUpdate();
      changed(ref);
      await code.drop(action.exec.digest);
      return { description: describeAction(action), code: text };
    },
    async list(ref, page) {
      const rows = await entities.list({ ...(await within(ref)), ...page });
      return rows.map((row) => summariseAction(actionOfRow(row)));
    },
    async count(ref) {
      return entities.count(await within(ref));
    },
    resolve(ref) {
      const key = fullNameOf(ref);
      const known = cache.get(key);
      if (known !== undefined) return known;
      return cache
        .load(key, async () => resolveAction(await read(ref)))
        .then((resolved) => {
          if (resolved === undefined) throw notFound();
          return resolved;
        });
    },
    forget: cache.clear,
  };
}

interface Written {
  readonly before: Action | undefined;
  readonly after: Action;
}

async function write(
  { entities, code, limits }: ActionServiceOptions,
  ref: EntityRef,
  put: ActionPut,
  overwrite: boolean,
): Promise<Written> {
  const row = await entities.get(ref.namespace, pathOf(ref));
  if (row !== undefined && row.collection !== 'actions') throw wrongCollection();
  if (row !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
  const before = row === undefined ? undefined : actionOfRow(row);

  const store = async (exec: ExecDocument | undefined): Promise<Action> => {
    const after =
      before === undefined ? createAction(ref, put, exec, limits) : updateAction(before, put, exec, limits);
    if (!(await entities.put(rowOf(after), row?.revision ?? null))) throw concurrentUpdate();
    return after;
  };
  if (put.exec === undefined) return { before, after: await store(undefined) };

  let stored: ExecDocument | undefined;
  try {
    const after = await code.store(put.exec, (exec) => {
      stored = exec;
      return store(exec);
    });
    return { before, after };
  } catch (error) {
    if (stored !== undefined) await code.drop(stored.digest);
    throw error;
  }
}

/** A path through a package needs that package. @throws Fault NOT_FOUND, WRONG_COLLECTION */
async function requirePackage(
  entities: EntityStore,
  namespace: string,
  name: EntityName | undefined,
): Promise<void> {
  if (name === undefined) return;
  const row = await entities.get(namespace, name);
  if (row === undefined) throw notFound();
  if (row.collection !== 'packages') throw wrongCollection();
}

function rowOf(action: Action): EntityRow {
  return {
    namespace: action.ref.namespace,
    path: pathOf(action.ref),
    collection: 'actions',
    revision: action.revision,
    updatedAt: action.updated,
    codeDigest: action.exec.digest,
    document: documentOf(action),
  };
}
