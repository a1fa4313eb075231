/** What the rows of all entities share, and how they are read back: strictly, with one fault for all errors. */
import { z } from 'zod';
import type { JsonValue } from '../../lib/index.ts';
import type { EntityRow } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import type { KeyValue } from './key-values.ts';
import {
  type EntityName,
  type EntityRef,
  isEntityName,
  isNamespaceName,
  type NamespaceName,
} from './names.ts';

/** An entity without a package. */
export interface PlainRef {
  readonly namespace: NamespaceName;
  readonly name: EntityName;
}

/** What was deleted with a package or a namespace. */
export interface DeletedEntities {
  readonly rows: readonly EntityRow[];
  /** Digests of the earlier code of actions. */
  readonly earlierCode: readonly string[];
}

/** Whether a write may change what has this revision. Undefined: there is nothing yet. */
export type RevisionCheck = (revision: string | undefined) => boolean;

/** `ns/name`. */
export function plainNameOf({ namespace, name }: PlainRef): string {
  return `${namespace}/${name}`;
}

export const storedValue = z.custom<JsonValue>((value) => value !== undefined);
export const storedKeyValues = z.array(z.object({ key: z.string(), value: storedValue }));
export const storedNamespace = z.custom<NamespaceName>(
  (value) => typeof value === 'string' && isNamespaceName(value),
);
export const storedName = z.custom<EntityName>((value) => typeof value === 'string' && isEntityName(value));

/** Parses the document of a row. @throws Fault STORED_ENTITY_CORRUPT */
export function parseDocument<T>(row: EntityRow, form: z.ZodType<T>): T {
  const parsed = form.safeParse(row.document);
  if (parsed.success) return parsed.data;
  throw corrupt(parsed.error);
}

/** @throws Fault STORED_ENTITY_CORRUPT */
export function refOfRow(row: EntityRow): EntityRef {
  const [first = '', second, ...more] = row.path.split('/');
  const name = second ?? first;
  const inPackage = second === undefined ? undefined : first;
  if (!isNamespaceName(row.namespace) || !isEntityName(name) || more.length > 0) throw corrupt();
  if (inPackage !== undefined && !isEntityName(inPackage)) throw corrupt();
  return { namespace: row.namespace, package: inPackage, name };
}

/** Reads the name of a package, a trigger or a rule, which are in no package. @throws Fault STORED_ENTITY_CORRUPT */
export function plainRefOfRow(row: EntityRow): PlainRef {
  const { namespace, package: inPackage, name } = refOfRow(row);
  if (inPackage !== undefined) throw corrupt();
  return { namespace, name };
}

export function corrupt(cause?: unknown) {
  return functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', { cause });
}

/** Fields of every entity in answers and lists. */
export interface EntityBase {
  readonly ref: PlainRef;
  readonly version: string;
  readonly publish: boolean;
  readonly annotations: readonly KeyValue[];
  /** Epoch milliseconds. */
  readonly updated: number;
}

export function describeBase({ ref, version, publish, annotations, updated }: EntityBase) {
  return { namespace: ref.namespace, name: ref.name, version, publish, annotations, updated };
}
