/**
 * An action: its document in the store and its forms in the API. A document never holds the code, only the digest of
 * its blob, and never an unencrypted parameter value.
 */
import { z } from 'zod';
import type { ActionLimits } from '../../dispatch/index.ts';
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import type { EntityRow } from '../../store/index.ts';
import { refOfRow } from '../entities/entity-row.ts';
import type { KeyValue, Parameter, ShownParameter } from '../entities/key-values.ts';
import { type EntityRef, fullNameOf, pathOf } from '../entities/names.ts';
import { withoutWebSecrets } from '../entities/web-secret.ts';
import { functionFault } from '../faults.ts';
import type { Vault } from '../vault/vault.ts';
import { describeExec, digestOf, type ExecDocument, execSchema, isCode, isSequence } from './exec.ts';
import { aliasedKind, type Runtime } from './runtimes.ts';

export type ActionLimitsDocument = {
  /** Milliseconds. */
  readonly timeout: number;
  /** MiB. */
  readonly memory: number;
  /** MiB. */
  readonly logs: number;
  readonly concurrency: number;
  /** Maximum of sandboxes. */
  readonly instances?: number | undefined;
  /** Processors, may be a fraction. */
  readonly cpus?: number | undefined;
  /** Size of `/tmp`, MiB. */
  readonly disk?: number | undefined;
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
const stored = z.object({
  version: z.string(),
  publish: z.boolean(),
  exec: execSchema,
  parameters: jsonValue,
  annotations: z.array(z.object({ key: z.string(), value: jsonValue })),
  limits: z.object({
    timeout: z.number(),
    memory: z.number(),
    logs: z.number(),
    concurrency: z.number(),
    instances: z.number().optional(),
    cpus: z.number().optional(),
    disk: z.number().optional(),
  }),
});

/** Reads an action from its row. @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function actionOfRow(row: EntityRow, vault: Vault): Action {
  const { sealed, ...head } = headOfRow(row);
  return { ...head, parameters: vault.openParameters(sealed, fullNameOf(head.ref)) };
}

/**
 * Reads an action that will be deleted or whose parameters are replaced. Its parameters need not be readable, because
 * their key may be lost.
 * @throws Fault STORED_ENTITY_CORRUPT
 */
export function lenientActionOfRow(row: EntityRow, vault: Vault): Action {
  try {
    return actionOfRow(row, vault);
  } catch {
    const { sealed: _, ...head } = headOfRow(row);
    return { ...head, parameters: [] };
  }
}

function headOfRow(row: EntityRow): Omit<Action, 'parameters'> & { readonly sealed: JsonValue } {
  const parsed = stored.safeParse(row.document);
  if (!parsed.success) {
    throw functionFault('STORED_ENTITY_CORRUPT', 'Resource is corrupted and cannot be read.', {
      cause: parsed.error,
    });
  }
  const { parameters: sealed, ...rest } = parsed.data;
  return { ...rest, sealed, ref: refOfRow(row), updated: row.updatedAt, revision: row.revision };
}

export function rowOf(action: Action, vault: Vault): EntityRow {
  return {
    namespace: action.ref.namespace,
    path: pathOf(action.ref),
    collection: 'actions',
    revision: action.revision,
    updatedAt: action.updated,
    codeDigest: digestOf(action.exec),
    link: null,
    shared: false,
    document: documentOf(action, vault),
  };
}

function documentOf(action: Action, vault: Vault): JsonObject {
  const { version, publish, exec, annotations, limits } = action;
  const parameters = vault.sealParameters(action.parameters, fullNameOf(action.ref));
  return { version, publish, exec, parameters, annotations, limits };
}

/**
 * The action as in the answer to a GET or PUT, without its code.
 * @param parameters the action's own, or those merged with its package's
 */
export function describeAction(
  action: Action,
  runtimes: readonly Runtime[],
  parameters: readonly ShownParameter[] = action.parameters,
) {
  return {
    ...describeBase(action),
    exec: describeExec(action.exec, aliasedKind(runtimes, action.exec.kind)),
    parameters: isSequence(action.exec) ? [{ key: '_actions', value: action.exec.components }] : parameters,
    limits: action.limits,
  };
}

/** The limits in the invoker's units. */
export function actionLimits(limits: ActionLimitsDocument): ActionLimits {
  const { timeout, memory, logs, concurrency, cpus, disk } = limits;
  return {
    timeoutMs: timeout,
    memoryMiB: memory,
    logBytes: logs * 1024 * 1024,
    concurrency,
    ...(cpus === undefined ? {} : { cpus }),
    ...(disk === undefined ? {} : { diskMiB: disk }),
  };
}

/** The action as an entry of a list. */
export function summariseAction(action: Action) {
  const binary = isCode(action.exec) && action.exec.binary;
  const annotations = withoutWebSecrets(action.annotations);
  return { ...describeBase(action), annotations, exec: { binary }, limits: action.limits };
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
