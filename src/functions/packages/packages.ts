/**
 * Packages and bindings: create, change, read, list, delete, and resolve a package's name.
 *
 * Every namespace may read a published package; only its own namespace may read a binding. Of other namespaces'
 * packages, a reader cannot learn whether they exist.
 */

import { isFault } from '../../lib/index.ts';
import type { EntityStore } from '../../store/index.ts';
import type { DeletedEntities, PlainRef, RevisionCheck } from '../entities/entity-row.ts';
import type { EntityName, NamespaceName } from '../entities/names.ts';
import type { ListRange } from '../entities/page.ts';
import { concurrentUpdate, entityChanged, functionFault, notFound, wrongCollection } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import type { Vault } from '../vault/vault.ts';
import {
  describePackage,
  describeWithActions,
  type FullPackageDescription,
  type Package,
  type PackageAction,
  type PackageDescription,
  type PackageSummary,
  packageActionOfRow,
  packageHeadOfRow,
  packageOfRow,
  rowOfPackage,
  summarisePackage,
} from './package.ts';
import { createPackage, parsePackagePut, updatePackage } from './package-put.ts';
import { checkProvider, type ResolvedPackage, resolvePackage } from './package-resolution.ts';

export interface PackageService {
  /**
   * Creates, or with `overwrite` changes, a package or a binding from what a client sent.
   * @throws Fault NAME_INVALID, BODY_INVALID, ENTITY_TOO_LARGE, BINDING_INVALID, BINDING_CONFLICT, BINDING_CYCLIC,
   * NOT_AUTHORIZED (the provider), ALREADY_EXISTS, ENTITY_CHANGED, WRONG_COLLECTION, CONCURRENT_UPDATE
   */
  put(
    ref: PlainRef,
    body: unknown,
    overwrite: boolean,
    mayChange?: RevisionCheck,
  ): Promise<PackageDescription>;
  /**
   * Reads a package with its actions. A binding's parameters are merged over the provider's. Values of another
   * namespace's parameters are withheld.
   * @param reader the caller's namespace
   * @throws Fault NOT_AUTHORIZED, NOT_FOUND, WRONG_COLLECTION, BINDING_CYCLIC
   */
  get(ref: PlainRef, reader: NamespaceName): Promise<FullPackageDescription>;
  /**
   * Deletes a package and returns it. One with actions is deleted only with `force`, together with them.
   * @throws Fault NOT_FOUND, ENTITY_CHANGED, WRONG_COLLECTION, PACKAGE_NOT_EMPTY, CONCURRENT_UPDATE
   */
  delete(ref: PlainRef, force: boolean, mayChange?: RevisionCheck): Promise<PackageDescription>;
  /** Lists packages, newest first. For a namespace other than the reader's, only those that it shares. */
  list(namespace: NamespaceName, reader: NamespaceName, page: ListRange): Promise<readonly PackageSummary[]>;
  count(namespace: NamespaceName, reader: NamespaceName): Promise<number>;
  /**
   * Resolves a package as `reader` may use it, and its provider if it is a binding.
   * @param reader default: the package's own namespace
   * @throws Fault NOT_AUTHORIZED, NOT_FOUND, WRONG_COLLECTION, BINDING_CYCLIC
   */
  resolve(namespace: NamespaceName, name: EntityName, reader?: NamespaceName): Promise<ResolvedPackage>;
}

interface PackageServiceOptions {
  readonly entities: EntityStore;
  readonly vault: Vault;
  readonly limits: SystemLimits;
  /** Called after every write, to invalidate what was derived from packages. */
  readonly onChanged: (ref: PlainRef) => void;
  /** Removes the code and the sandboxes of actions that were deleted with their package. */
  readonly onActionsDeleted: (deleted: DeletedEntities) => Promise<void>;
}

const reservedName = 'default';
const pageSize = 100;

export function createPackages(options: PackageServiceOptions): PackageService {
  const { entities, vault, onChanged } = options;

  const find = async ({ namespace, name }: PlainRef): Promise<Package | undefined> => {
    const row = await entities.get(namespace, name);
    if (row === undefined) return undefined;
    if (row.collection !== 'packages') throw wrongCollection();
    return packageOfRow(row, vault);
  };
  const visible = (namespace: NamespaceName, reader: NamespaceName) =>
    namespace === reader
      ? ({ namespace, collection: 'packages' } as const)
      : ({ namespace, collection: 'packages', shared: true } as const);
  const resolve = (ref: PlainRef, reader: NamespaceName) => resolvePackage(entities, vault, ref, reader);

  return {
    async put(ref, body, overwrite, mayChange = () => true) {
      if (ref.name === reservedName) {
        throw functionFault('NAME_INVALID', `Package name '${reservedName}' is reserved.`);
      }
      const put = parsePackagePut(body, ref.namespace, options.limits);
      const target =
        put.binding === undefined
          ? undefined
          : await checkProvider(put.binding, resolve(put.binding, ref.namespace));
      const old = await find(ref);
      if (old !== undefined && !overwrite) throw functionFault('ALREADY_EXISTS', 'resource already exists');
      if (!mayChange(old?.revision)) throw entityChanged();
      const pkg = old === undefined ? createPackage(ref, put) : updatePackage(old, put);
      if (target?.provider !== undefined) {
        throw functionFault('BINDING_INVALID', 'Cannot bind to another package binding.');
      }
      if (!(await entities.put(rowOfPackage(pkg, vault), old?.revision ?? null))) throw concurrentUpdate();
      onChanged(ref);
      return describePackage(pkg);
    },
    async get(ref, reader) {
      const resolved = await resolve(ref, reader).catch((error: unknown) => {
        throw isFault(error, 'NOT_FOUND') ? notFound(`${ref.namespace}/${ref.name}`) : error;
      });
      const actions = await actionsOf(entities, resolved.provider ?? resolved.pkg);
      return describeWithActions(resolved, actions, reader);
    },
    async delete(ref, force, mayChange = () => true) {
      const pkg = await find(ref);
      if (pkg === undefined) throw notFound();
      if (!mayChange(pkg.revision)) throw entityChanged();
      await (force ? deleteWithActions(options, pkg) : deleteEmpty(entities, pkg));
      onChanged(ref);
      return describePackage(pkg);
    },
    async list(namespace, reader, page) {
      const rows = await entities.list({ ...visible(namespace, reader), ...page });
      return rows.map((row) => summarisePackage(packageHeadOfRow(row)));
    },
    count: (namespace, reader) => entities.count(visible(namespace, reader)),
    resolve: (namespace, name, reader = namespace) => resolve({ namespace, name }, reader),
  };
}

/** Reads a page at a time, because the rows may be large. */
async function actionsOf(
  entities: Pick<EntityStore, 'list'>,
  { ref }: Package,
): Promise<readonly PackageAction[]> {
  const within = { namespace: ref.namespace, collection: 'actions', package: ref.name } as const;
  const actions: PackageAction[] = [];
  for (;;) {
    const rows = await entities.list({ ...within, skip: actions.length, limit: pageSize });
    for (const row of rows) actions.push(packageActionOfRow(row));
    if (rows.length < pageSize) return actions;
  }
}

async function deleteEmpty(entities: EntityStore, { ref, revision }: Package): Promise<void> {
  const { namespace, name } = ref;
  const count = await entities.count({ namespace, collection: 'actions', package: name });
  if (count > 0) {
    throw functionFault(
      'PACKAGE_NOT_EMPTY',
      `Package not empty (contains ${count} ${count === 1 ? 'entity' : 'entities'}). ` +
        'Set force param or delete package contents.',
    );
  }
  if (!(await entities.delete(namespace, name, revision))) throw concurrentUpdate();
}

async function deleteWithActions(
  { entities, onActionsDeleted }: PackageServiceOptions,
  { ref, revision }: Package,
): Promise<void> {
  const earlierCode = await entities.earlierDigests(ref.namespace, ref.name);
  const rows = await entities.deleteTree(ref.namespace, ref.name, revision);
  if (rows === undefined) throw concurrentUpdate();
  await onActionsDeleted({ rows, earlierCode });
}
