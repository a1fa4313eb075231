/**
 * An action: its document in the store and its forms in the API. A document never holds the code, only the
 * digest of its blob.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../images/index.ts';
import type { JsonObject, JsonValue } from '../lib/index.ts';
import type { EntityRow } from '../store/index.ts';
import { functionFault } from './faults.ts';
import type { KeyValue, Parameter } from './key-values.ts';
import { type EntityRef, isEntityName, isNamespaceName } from './names.ts';

export type ActionLimitsDocument = {
  /** Milliseconds. */
  readonly timeout: number;
  /** MiB. */
  readonly memory: number;
  /** MiB. */
  readonly logs: number;
  readonly concurrency: number;
};

export type ExecDocument = {
  /** A resolved kind: `nodejs:24`. */
  readonly kind: string;
  readonly binary: boolean;
  readonly main?: string | undefined;
  readonly digest: Digest;
};

export interface Action {
  readonly ref: EntityRef;
  readonly version: string;
  readonly publish: boolean;
  readonly exec: ExecDocument;
  readonly parameters: readonly Parameter[];
  readonly annotations: readonly KeyValue[];
  readonly limits: ActionLimitsDocument;
  /** Epoch milliseconds. */
  readonly updated: number;
  readonly revision: string;
}

const jsonValue = z.custom<JsonValue>((value) => value !== undefined);
const keyValue = z.object({ key: z.string(), value: jsonValue });
const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));
const stored = z.object({
  version: z.string(),
  publish: z.boolean(),
  exec: z.object({ kind: z.string(), binary: z.boolean(), main: z.string().optional(), digest }),
  parameters: z.array(keyValue.extend({ init: z.boolean().optional() })),
  annotations: z.array(keyValue),
  limits: z.object({
    timeout: z.number(),
    memory: z.number(),
    logs: z.number(),
    concurrency: z.number(),
  }),
});

/** Reads an action from its row. @throws Fault STORED_ENTITY_CORRUPT */
export function actionOfRow(row: EntityRow): Action {
  const parsed = stored.safeParse(row.document);
  const ref = refOfRow(row);
  if (!parsed.success || ref === undefined) {
    throw functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', {
      cause: parsed.error,
    });
  }
  return { ...parsed.data, ref, updated: row.updatedAt, revision: row.revision };
}

export function documentOf(action: Action): JsonObject {
  const { version, publish, exec, parameters, annotations, limits } = action;
  return { version, publish, exec, parameters, annotations, limits };
}

/** As a GET or PUT answers it, without its code. */
export function describeAction(action: Action) {
  const { kind, binary, main } = action.exec;
  return {
    ...describeBase(action),
    exec: main === undefined ? { kind, binary } : { kind, binary, main },
    parameters: action.parameters,
    limits: action.limits,
  };
}

/** As a list shows it. */
export function summariseAction(action: Action) {
  return { ...describeBase(action), exec: { binary: action.exec.binary }, limits: action.limits };
}

export type ActionDescription = ReturnType<typeof describeAction>;
export type ActionSummary = ReturnType<typeof summariseAction>;

function describeBase(action: Action) {
  const { namespace, package: inPackage, name } = action.ref;
  return {
    namespace: inPackage === undefined ? namespace : `${namespace}/${inPackage}`,
    name,
    version: action.version,
    publish: action.publish,
    annotations: action.annotations,
    updated: action.updated,
  };
}

function refOfRow(row: EntityRow): EntityRef | undefined {
  const [first = '', second] = row.path.split('/');
  const name = second ?? first;
  const inPackage = second === undefined ? undefined : first;
  if (!isNamespaceName(row.namespace) || !isEntityName(name)) return undefined;
  if (inPackage !== undefined && !isEntityName(inPackage)) return undefined;
  return { namespace: row.namespace, package: inPackage, name };
}
