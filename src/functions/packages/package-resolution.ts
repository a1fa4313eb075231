/** Resolves the name of a package, as one reader may see it. */
import { isFault } from '../../lib/index.ts';
import type { EntityStore } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { mergeKeyValues } from '../entities/key-values.ts';
import type { NamespaceName } from '../entities/names.ts';
import { functionFault, notAuthorized, notFound, wrongCollection } from '../faults.ts';
import type { Vault } from '../vault/vault.ts';
import { type Package, packageOfRow } from './package.ts';

export interface ResolvedPackage {
  readonly pkg: Package;
  /** The package that a binding stands for, with the parameters of bindings in between. */
  readonly provider: Package | undefined;
  /** All that were read for it. */
  readonly sources: readonly PlainRef[];
}

/** A deleted provider can come back as a binding, so there may be chains of bindings, and even cycles. */
const maxBindings = 16;

/**
 * @param reader may see published packages, and everything in its own namespace
 * @throws Fault NOT_AUTHORIZED, NOT_FOUND, WRONG_COLLECTION, BINDING_CYCLIC
 */
export async function resolvePackage(
  entities: Pick<EntityStore, 'get'>,
  vault: Vault,
  ref: PlainRef,
  reader: NamespaceName,
): Promise<ResolvedPackage> {
  const pkg = await read(entities, vault, ref, reader, ref);
  let parameters: Package['parameters'] = [];
  let provider = pkg;
  const sources = [ref];
  for (let length = 0; provider.binding !== undefined; length++) {
    if (length === maxBindings) throw cyclic(pkg.ref);
    sources.push(provider.binding);
    provider = await read(entities, vault, provider.binding, reader, ref);
    parameters = mergeKeyValues(provider.parameters, parameters);
  }
  return { pkg, provider: provider === pkg ? undefined : { ...provider, parameters }, sources };
}

/**
 * Checks the provider of a new binding.
 * @throws Fault NOT_AUTHORIZED, BINDING_INVALID, BINDING_CONFLICT, BINDING_CYCLIC
 */
export async function checkProvider(
  provider: PlainRef,
  resolving: Promise<ResolvedPackage>,
): Promise<ResolvedPackage> {
  try {
    return await resolving;
  } catch (error) {
    if (isFault(error, 'NOT_FOUND')) {
      throw functionFault('BINDING_INVALID', 'Binding references a package that does not exist.', {
        details: { missing: `/${provider.namespace}/${provider.name}` },
      });
    }
    if (isFault(error, 'WRONG_COLLECTION')) {
      throw functionFault('BINDING_CONFLICT', 'Cannot bind to a resource that is not a package.');
    }
    throw error;
  }
}

/** @param asked the name in the refusal for a reader without the right */
async function read(
  entities: Pick<EntityStore, 'get'>,
  vault: Vault,
  { namespace, name }: PlainRef,
  reader: NamespaceName,
  asked: PlainRef,
): Promise<Package> {
  const row = await entities.get(namespace, name);
  const isOwn = namespace === reader;
  if (!isOwn && row?.shared !== true) throw notAuthorized(`${asked.namespace}/${asked.name}`);
  if (row === undefined) throw notFound();
  if (row.collection !== 'packages') throw wrongCollection();
  return packageOfRow(row, vault);
}

function cyclic({ namespace, name }: PlainRef) {
  return functionFault(
    'BINDING_CYCLIC',
    `Package binding '${namespace}/${name}' contains a circular reference.`,
  );
}
