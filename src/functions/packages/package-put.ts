/** Parses what a client sends to create or change a package or a binding, and applies it. */
import { isJsonObject, randomHex } from '../../lib/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { type KeyValue, type Parameter, parseAnnotations, parseParameters } from '../entities/key-values.ts';
import { type NamespaceName, parseEntityName, parseNamespaceName } from '../entities/names.ts';
import {
  checkSize,
  given,
  nextPatch,
  parsePublish,
  parseVersion,
  removeKeys,
} from '../entities/put-fields.ts';
import { writeTime } from '../entities/write-time.ts';
import { functionFault, malformed } from '../faults.ts';
import type { SystemLimits } from '../limits.ts';
import { checkKeyAnnotations } from './key-terms.ts';
import type { Package } from './package.ts';

interface PackagePut {
  /** The provider, with `_` resolved. */
  readonly binding: PlainRef | undefined;
  readonly parameters: readonly Parameter[] | undefined;
  readonly annotations: readonly KeyValue[] | undefined;
  readonly version: string | undefined;
  readonly publish: boolean | undefined;
}

/** Set only by Ward, so that clients that only list packages see which are bindings, and of what. */
const bindingAnnotation = 'binding';

/** @throws Fault BODY_INVALID, NAME_INVALID, ENTITY_TOO_LARGE */
export function parsePackagePut(body: unknown, own: NamespaceName, system: SystemLimits): PackagePut {
  if (!isJsonObject(body)) throw malformed('Object expected');
  const put: PackagePut = {
    binding: given(body, 'binding', (value) => parseBinding(value, own)),
    parameters: given(body, 'parameters', (value) => parseParameters(value, 'parameters')),
    annotations: given(body, 'annotations', parseAnnotations),
    version: given(body, 'version', parseVersion),
    publish: given(body, 'publish', parsePublish),
  };
  checkKeyAnnotations(put.annotations ?? []);
  checkSize('parameters', put.parameters, system);
  checkSize('annotations', put.annotations, system);
  return put;
}

export function createPackage(ref: PlainRef, put: PackagePut): Package {
  return {
    ref,
    version: put.version ?? '0.0.1',
    publish: put.publish ?? false,
    parameters: put.parameters ?? [],
    annotations: withBinding(put.annotations ?? [], put.binding),
    binding: put.binding,
    updated: writeTime(),
    revision: randomHex(16),
  };
}

/** The changed package. Fields that were not sent are kept. @throws Fault BINDING_CONFLICT */
export function updatePackage(old: Package, put: PackagePut): Package {
  if (put.binding !== undefined && old.binding === undefined) {
    throw functionFault('BINDING_CONFLICT', 'Resource is a package and cannot be converted into a binding.');
  }
  const binding = put.binding ?? old.binding;
  return {
    ref: old.ref,
    version: put.version ?? nextPatch(old.version),
    publish: put.publish ?? old.publish,
    parameters: put.parameters ?? old.parameters,
    annotations: withBinding(put.annotations ?? old.annotations, binding),
    binding,
    updated: writeTime(old.updated),
    revision: randomHex(16),
  };
}

/** `{}` marks a package that is not a binding. */
function parseBinding(value: unknown, own: NamespaceName): PlainRef | undefined {
  if (!isJsonObject(value)) throw malformed("'binding' must be an object");
  if (Object.keys(value).length === 0) return undefined;
  const { namespace, name } = value;
  if (typeof namespace !== 'string' || typeof name !== 'string') {
    throw malformed("'binding' needs a 'namespace' and a 'name' that are strings");
  }
  return {
    namespace: namespace === '_' ? own : parseNamespaceName(namespace),
    name: parseEntityName(name),
  };
}

function withBinding(annotations: readonly KeyValue[], binding: PlainRef | undefined): readonly KeyValue[] {
  const others = removeKeys(annotations, [bindingAnnotation]);
  return binding === undefined ? others : [...others, { key: bindingAnnotation, value: { ...binding } }];
}
