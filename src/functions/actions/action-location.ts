/**
 * Finds the action that a name stands for (in its own namespace, in a shared package, or behind a binding), and the
 * parameters that it inherits.
 */
import type { EntityRow, EntityStore } from '../../store/index.ts';
import { sourceOf } from '../entities/changed.ts';
import { mergeKeyValues, type Parameter, type ShownParameter } from '../entities/key-values.ts';
import {
  type EntityRef,
  fullNameOf,
  type NamespaceName,
  type NamespaceRef,
  pathOf,
} from '../entities/names.ts';
import { functionFault, notAuthorized, notFound, wrongCollection } from '../faults.ts';
import { type KeyTerms, keyTermsOf } from '../packages/key-terms.ts';
import { parametersFor } from '../packages/package.ts';
import type { PackageService } from '../packages/packages.ts';
import type { Vault } from '../vault/vault.ts';
import { type Action, actionOfRow, lenientActionOfRow } from './action.ts';

export interface ActionLocation {
  readonly action: Action;
  /** Those of the package, the binding and the action. Later ones win. */
  readonly levels: readonly ParameterLevel[];
  /** `ns/binding`, if the name leads through one. */
  readonly binding: string | undefined;
  readonly keyTerms: KeyTerms;
  /** Packages and actions that it depends on, by `sourceOf`. */
  readonly sources: readonly string[];
}

/** Parameters that an action inherits, with their owner. */
interface ParameterLevel {
  readonly ref: { readonly namespace: NamespaceName };
  readonly parameters: readonly Parameter[];
}

/** All parameters that a call gets. */
export function inheritedParameters({ levels }: Pick<ActionLocation, 'levels'>): readonly Parameter[] {
  return levels.reduce<readonly Parameter[]>((all, { parameters }) => mergeKeyValues(all, parameters), []);
}

/** The parameters as `reader` may see them: values of other namespaces are hidden. */
export function visibleParameters(
  { levels }: ActionLocation,
  reader: NamespaceName,
): readonly ShownParameter[] {
  return levels.reduce<readonly ShownParameter[]>(
    (all, level) => mergeKeyValues(all, parametersFor(reader, level)),
    [],
  );
}

export interface ActionLocator {
  /** Finds an action that `caller` may use. @throws Fault NOT_FOUND, NOT_AUTHORIZED, WRONG_COLLECTION */
  locate(ref: EntityRef, caller: NamespaceName): Promise<ActionLocation>;
  /** Reads the action of exactly this name, to delete it. @throws Fault NOT_FOUND, WRONG_COLLECTION */
  readLeniently(ref: EntityRef): Promise<Action>;
  /**
   * Requires that an action can be written here: in no package, or in one that is not a binding. @throws Fault
   * NOT_FOUND, WRONG_COLLECTION, BINDING_INVALID
   */
  requireWritable(ref: EntityRef): Promise<void>;
  /**
   * Builds the store's query for a list of a namespace or a package. @throws Fault NOT_FOUND, NOT_AUTHORIZED,
   * WRONG_COLLECTION
   */
  within(
    scope: ActionScope,
    reader: NamespaceName,
  ): Promise<{
    readonly namespace: string;
    readonly collection: 'actions';
    readonly package?: string;
    readonly pathContains?: string;
  }>;
}

/** The actions of a namespace or a package. */
export interface ActionScope extends NamespaceRef {
  /** Only those with this text in `name` or `package/name`. */
  readonly search?: string | undefined;
}

interface ActionLocatorOptions {
  readonly entities: Pick<EntityStore, 'get'>;
  readonly packages: Pick<PackageService, 'resolve'>;
  readonly vault: Vault;
}

export function createActionLocator({ entities, packages, vault }: ActionLocatorOptions): ActionLocator {
  const find = async (ref: EntityRef): Promise<EntityRow> => {
    const row = await entities.get(ref.namespace, pathOf(ref));
    if (row === undefined) throw notFound();
    if (row.collection !== 'actions') throw wrongCollection();
    return row;
  };
  const read = async (ref: EntityRef) => actionOfRow(await find(ref), vault);

  return {
    readLeniently: async (ref) => lenientActionOfRow(await find(ref), vault),
    async locate(ref, caller) {
      if (ref.package === undefined) {
        if (ref.namespace !== caller) throw notAuthorized(fullNameOf(ref));
        const action = await read(ref);
        return { action, levels: [action], binding: undefined, keyTerms: 'own', sources: [sourceOf(ref)] };
      }
      const found = await packages.resolve(ref.namespace, ref.package, caller);
      const { pkg, provider } = found;
      const home = (provider ?? pkg).ref;
      const action = await read({ namespace: home.namespace, package: home.name, name: ref.name });
      return {
        action,
        levels: [...(provider === undefined ? [] : [provider]), pkg, action],
        binding: provider === undefined ? undefined : `${pkg.ref.namespace}/${pkg.ref.name}`,
        keyTerms: keyTermsOf(found, caller),
        sources: found.sources.map(({ namespace, name }) => sourceOf({ namespace, package: name, name })),
      };
    },
    async requireWritable(ref) {
      if (ref.package === undefined) return;
      const row = await entities.get(ref.namespace, ref.package);
      if (row === undefined) throw notFound();
      if (row.collection !== 'packages') throw wrongCollection();
      if (row.link !== null)
        throw functionFault('BINDING_INVALID', 'Operation not permitted on package binding.');
    },
    async within({ namespace, package: inPackage, search }, reader) {
      const asked = {
        collection: 'actions',
        ...(search === undefined ? {} : { pathContains: search }),
      } as const;
      if (inPackage === undefined) {
        if (namespace !== reader) throw notAuthorized(namespace);
        return { namespace, ...asked };
      }
      const { pkg, provider } = await packages.resolve(namespace, inPackage, reader);
      const home = (provider ?? pkg).ref;
      return { namespace: home.namespace, package: home.name, ...asked };
    },
  };
}
