/** What a node says of itself, twice a second, to all others. */
import { z } from 'zod';
import type { EgressCeiling, EgressLimits } from '../../egress/index.ts';
import { parseEgress } from '../../egress/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { OperatorPolicy } from '../../sandbox/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import type { InvokerReport } from '../placement/types.ts';
import { mostIdleGroups } from '../placement/types.ts';
import type { DrainOrder, KeptAction } from '../types.ts';
import { invalid } from '../wire/frames.ts';
import { drainOrderSchema, parsed } from '../wire/heads.ts';
import { keptSchema } from '../wire/job-schema.ts';
import type { NodeKind } from '../wire/subjects.ts';
import { parseTail } from '../wire/tails.ts';

export const nodeRoles = ['all', 'api', 'invoker'] as const;
export type NodeRole = (typeof nodeRoles)[number];

/** What the servers of the bus know it as. */
export function kindOf(role: NodeRole): NodeKind {
  return role === 'invoker' ? 'invoker' : 'api';
}

/** Which process of the cluster this is. */
export interface NodeIdentity {
  readonly node: string;
  readonly role: NodeRole;
  /** 16 hex digits, new at each start of the process. */
  readonly start: string;
  /** The version of Ward. */
  readonly version: string;
}

/** Revisions of what a node judges by. Two nodes with the same have the same. */
export interface JudgeRevisions {
  readonly policy: string;
  /** Absent when it has none. */
  readonly advisories?: string | undefined;
  /** Of the operator's documents: empty when there are none, absent from a Ward that does not tell. */
  readonly vex?: string | undefined;
}

export interface NodeReport extends NodeIdentity {
  /** The versions of messages that it reads. */
  readonly protocol: { readonly min: number; readonly max: number };
  /** How long the process has been in the cluster, by its own clock. */
  readonly upMs: number;
  /** It says good-bye: nothing it has will be answered any more. */
  readonly isLeaving: boolean;
  /** Absent for a node without sandboxes, and while it does not know its abilities yet. */
  readonly invoker?: InvokerReport | undefined;
  /** The last order that it has, and follows. */
  readonly order?: DrainOrder | undefined;
  /** Absent for a node that does not judge. */
  readonly judges?: JudgeRevisions | undefined;
  /** It hears no invoker, and others do. Absent: no, or a Ward that does not tell. */
  readonly isAlone?: boolean | undefined;
  /** Limited to `mostKept`. */
  readonly kept: readonly KeptAction[];
  /** Namespaces that have something on its invoker; limited to `mostNamespaces`. */
  readonly namespaces: readonly string[];
}

export const mostKept = 1_000;
export const mostNamespaces = 10_000;

const mostVersion = 100;
const mostRevision = 100;
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const text = z.string().max(1000);
const texts = z.array(text).max(1000);
const hash = z.string().regex(/^[0-9a-f]{16}$/);
const byte = z.int().min(0).max(255);

const reportSchema = z.object({
  node: text,
  role: z.enum(nodeRoles),
  start: z.string().regex(/^[0-9a-f]{16}$/),
  version: z.string().max(mostVersion),
  protocol: z.object({ min: byte, max: byte }),
  upMs: count,
  isLeaving: z.boolean(),
  invoker: z
    .object({
      status: z.object({
        queued: count,
        sandboxes: z.object({ starting: count, busy: count, idle: count, prewarmed: count }),
        memoryMiB: count,
        memoryLimitMiB: count,
        memoryUsedMiB: count.optional(),
        sandboxesLeft: count.optional(),
      }),
      processors: count,
      idleMiB: count,
      mostStarting: count,
      mostQueued: count,
      idle: z.array(z.object({ hash, free: z.int().min(1).max(1_000_000) })).max(mostIdleGroups),
      soonFree: z.array(hash).max(mostIdleGroups).default([]),
      isDraining: z.boolean(),
    })
    .optional(),
  order: drainOrderSchema.optional(),
  judges: z
    .object({
      policy: z.string().max(mostRevision),
      advisories: z.string().max(mostRevision).optional(),
      vex: z.string().max(mostRevision).optional(),
    })
    .optional(),
  isAlone: z.boolean().optional(),
  kept: z.array(keptSchema).max(mostKept),
  namespaces: z.array(text).max(mostNamespaces),
});

const ceilingOfEgress = z
  .object({ public: z.boolean(), rules: z.array(z.unknown()) })
  .transform((value): EgressCeiling => ({ public: value.public, rules: parseEgress(value.rules) }));
const egressLimits = z.object({
  connectionsPerSecond: count,
  connections: count,
  packetsPerSecond: count,
  bytesPerSecond: count,
  machineBytesPerSecond: count,
}) satisfies z.ZodType<EgressLimits>;

/** Only what a check of an action needs is trusted; the invoker applies its own policy when it runs the job. */
const defaultsSchema = z.looseObject({
  runtime: z.enum(['crun', 'runc', 'runsc']),
  memoryBytes: count,
  cpus: count,
  pidsLimit: count,
  tmpfs: z.array(z.object({ path: text, sizeBytes: count, inodes: count, exec: z.boolean() })).max(100),
  capabilities: texts,
  seccomp: z.literal('strict'),
  rlimits: z.record(text, z.number()),
  required: texts,
});

const abilitiesSchema = z.object({
  operator: z.object({
    defaults: defaultsSchema,
    ceiling: z.object({
      memoryBytes: count,
      cpus: count,
      pidsLimit: count,
      tmpfsBytes: count,
      capabilities: texts,
      runtimes: z.array(z.enum(['crun', 'runc', 'runsc'])).max(10),
      seccompCalls: texts,
      execTmpfs: z.boolean(),
      api: z.boolean(),
      egress: ceilingOfEgress,
    }),
    egress: z.object({ limits: egressLimits, resolvers: texts.optional() }),
  }),
  gvisorObstacle: z
    .object({
      message: z.string().max(10_000),
      fault: z
        .object({ code: text, kind: z.literal('unsupported'), hint: z.string().max(10_000).optional() })
        .optional(),
    })
    .optional(),
});

/** The report without the invoker's abilities, which change rarely and are large. */
export function reportHead({ invoker, ...rest }: NodeReport): JsonObject {
  const { abilities: _, ...load } = invoker ?? {};
  return { ...rest, ...(invoker === undefined ? {} : { invoker: load }) } as unknown as JsonObject;
}

/** A profile of the operator's own is not plain data. Without it, fewer asks are refused in advance. */
export function abilitiesBytes({ operator, gvisorObstacle }: InvokerAbilities): Buffer {
  const defaults = { ...operator.defaults, seccomp: 'strict' };
  return Buffer.from(JSON.stringify({ operator: { ...operator, defaults }, gvisorObstacle }));
}

/** @param abilities of the report's invoker, if it has one. @throws Fault MESSAGE_INVALID */
export function parseReport(head: JsonObject, abilities: InvokerAbilities | undefined): NodeReport {
  const { invoker, ...rest } = parsed(reportSchema, head);
  if (invoker === undefined) return rest;
  if (abilities === undefined) throw invalid('an invoker does not say what it can run');
  return { ...rest, invoker: { ...invoker, abilities } };
}

/** @throws Fault MESSAGE_INVALID */
export function parseAbilities(bytes: Buffer): InvokerAbilities {
  const { operator, gvisorObstacle } = parsed(abilitiesSchema, parseTail(bytes, 'abilities'));
  return { operator: operator as unknown as OperatorPolicy, gvisorObstacle };
}
