/**
 * A package: parameters that its actions share, and what others may see of it. A binding is a package that stands for
 * another one, its provider, and adds its own parameters.
 */
import { z } from 'zod';
import type { JsonObject } from '../../lib/index.ts';
import type { EntityRow } from '../../store/index.ts';
import {
  describeBase,
  type EntityBase,
  type PlainRef,
  parseDocument,
  plainRefOfRow,
  storedKeyValues,
  storedName,
  storedNamespace,
  storedValue,
} from '../entities/entity-row.ts';
import {
  type KeyValue,
  mergeKeyValues,
  type Parameter,
  type ShownParameter,
  valueFor,
} from '../entities/key-values.ts';
import type { EntityName, NamespaceName } from '../entities/names.ts';
import { withoutWebSecrets } from '../entities/web-secret.ts';
import type { Vault } from '../vault/vault.ts';

/** What is known of a package without decrypting its parameters. */
interface PackageHead extends EntityBase {
  /** The provider. Undefined: it is not a binding. */
  readonly binding: PlainRef | undefined;
  readonly revision: string;
}

export interface Package extends PackageHead {
  readonly parameters: readonly Parameter[];
}

/** An action in the answer for its package. */
export interface PackageAction {
  readonly name: EntityName;
  readonly version: string;
  readonly annotations: readonly KeyValue[];
}

const stored = z.object({
  version: z.string(),
  publish: z.boolean(),
  parameters: storedValue,
  annotations: storedKeyValues,
  binding: z.object({ namespace: storedNamespace, name: storedName }).optional(),
});
const storedAction = z.object({ version: z.string(), annotations: storedKeyValues });

/** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function packageOfRow(row: EntityRow, vault: Vault): Package {
  const head = packageHeadOfRow(row);
  const { parameters } = parseDocument(row, stored);
  return { ...head, parameters: vault.openParameters(parameters, placeOf(head.ref)) };
}

/** @throws Fault STORED_ENTITY_CORRUPT */
export function packageHeadOfRow(row: EntityRow): PackageHead {
  const { version, publish, annotations, binding } = parseDocument(row, stored);
  const { updatedAt: updated, revision } = row;
  return { ref: plainRefOfRow(row), version, publish, annotations, binding, updated, revision };
}

function documentOfPackage(pkg: Package, vault: Vault): JsonObject {
  const { version, publish, annotations, binding } = pkg;
  const parameters = vault.sealParameters(pkg.parameters, placeOf(pkg.ref));
  const document = { version, publish, parameters, annotations };
  return binding === undefined ? document : { ...document, binding: { ...binding } };
}

export function rowOfPackage(pkg: Package, vault: Vault): EntityRow {
  const { ref, binding } = pkg;
  return {
    namespace: ref.namespace,
    path: ref.name,
    collection: 'packages',
    revision: pkg.revision,
    updatedAt: pkg.updated,
    codeDigest: null,
    link: binding === undefined ? null : placeOf(binding),
    shared: pkg.publish && binding === undefined,
    document: documentOfPackage(pkg, vault),
  };
}

/** @throws Fault STORED_ENTITY_CORRUPT */
export function packageActionOfRow(row: EntityRow): PackageAction {
  const { version, annotations } = parseDocument(row, storedAction);
  const name = storedName.parse(row.path.slice(row.path.indexOf('/') + 1));
  return { name, version, annotations: withoutWebSecrets(annotations) };
}

/**
 * The parameters as `reader` may see them. Encrypted values are shown only to their owner. For others they look like
 * locked parameters of OpenWhisk, but without the cipher text.
 */
export function parametersFor(
  reader: NamespaceName,
  {
    ref,
    parameters,
  }: { readonly ref: { readonly namespace: NamespaceName }; readonly parameters: readonly Parameter[] },
): readonly ShownParameter[] {
  if (ref.namespace === reader) return parameters;
  return parameters.map((parameter) => ({ ...parameter, value: null, encryption: 'aes-256' }));
}

/** The package as in the answer to a PUT or DELETE, with its revision. */
export function describePackage(pkg: Package, parameters: readonly ShownParameter[] = pkg.parameters) {
  return { ...describeBase(pkg), binding: pkg.binding ?? {}, parameters, revision: pkg.revision };
}

/**
 * The package as in the answer to a GET: a binding's parameters are merged over the provider's. Feeds are the actions
 * that are annotated as such.
 */
export function describeWithActions(
  { pkg, provider }: { readonly pkg: Package; readonly provider: Package | undefined },
  actions: readonly PackageAction[],
  reader: NamespaceName,
) {
  const isFeed = ({ annotations }: PackageAction) => valueFor(annotations, 'feed') !== undefined;
  const inherited = provider === undefined ? [] : parametersFor(reader, provider);
  return {
    ...describePackage(pkg, mergeKeyValues(inherited, parametersFor(reader, pkg))),
    actions: actions.filter((action) => !isFeed(action)),
    feeds: actions.filter(isFeed),
  };
}

/** The package as an entry of a list. */
export function summarisePackage(pkg: PackageHead) {
  return { ...describeBase(pkg), binding: pkg.binding ?? false };
}

export type PackageDescription = ReturnType<typeof describePackage>;
export type FullPackageDescription = ReturnType<typeof describeWithActions>;
export type PackageSummary = ReturnType<typeof summarisePackage>;

function placeOf({ namespace, name }: PlainRef): string {
  return `${namespace}/${name}`;
}
