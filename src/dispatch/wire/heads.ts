/**
 * The heads of the messages between nodes, parsed. Members that this Ward does not know are ignored, so that a newer
 * one can add some. docs/cluster.md says who sends what, and when.
 */
import { z } from 'zod';
import { type Connection, mostConnections, mostTrafficBytes } from '../../egress/index.ts';
import { Fault, type FaultKind, faultKinds, hostErrnoOf, type JsonObject } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';
import { partialLogs } from '../activation-log.ts';
import { dispatchFaults } from '../faults.ts';
import type { LoadNote } from '../placement/types.ts';
import type { Completion, DrainOrder, LoadGrant, ViolationReport } from '../types.ts';
import { waitReasons } from '../wait-reasons.ts';
import { invalid, type MessageType } from './frames.ts';
import { jobSchema, targetSchema } from './job-schema.ts';

/** An activation and the attempt at it. */
export type Sending = readonly [activationId: string, attempt: number];

/** Most entries of one list of sendings. A longer list goes in several messages. */
export const mostSendings = 20_000;

const startForm = z.string().regex(/^[0-9a-f]{16}$/);
const idForm = z.string().regex(/^[0-9a-f]{32}$/);
const u32 = z.int().min(0).max(0xffffffff);
const ms = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
/** Epoch milliseconds that a Date and a column of the database can hold. */
const time = z.int().min(0).max(8_640_000_000_000_000);
const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const name = z.string().max(1000);

const violationSchema = z.object({
  kind: z.enum(['seccomp', 'oom', 'pids', 'lsm', 'egress']),
  detail: z.string().max(400),
  at: time,
}) satisfies z.ZodType<Violation>;

const connectionSchema = z.object({
  name: z.string().max(253).optional(),
  address: z.string().max(50),
  port: z.int().min(0).max(65_535),
  protocol: z.string().max(20),
  at: time,
}) satisfies z.ZodType<Connection>;
const trafficBytes = z.int().min(0).max(mostTrafficBytes);

const completionSchema = z.object({
  status: z.enum(['success', 'application error', 'action developer error', 'whisk internal error']),
  startedAt: time,
  endedAt: time,
  waitMs: ms,
  // A newer node may know others.
  waitReason: z.enum(waitReasons).optional().catch(undefined),
  initMs: ms.optional(),
  timedOut: z.boolean(),
  start: z.enum(['warm', 'prewarmed', 'cold']),
  startReason: z
    .enum([
      'first call of this revision',
      'all its sandboxes were busy',
      'its idle sandboxes were ended (keep-alive, or memory was short)',
      'its last sandbox failed',
      'a fresh sandbox is asked for',
    ])
    .optional(),
  sandboxMs: ms.optional(),
  violations: z.array(violationSchema).max(1000).optional(),
  traffic: z
    .object({
      sentBytes: trafficBytes,
      receivedBytes: trafficBytes,
      connections: z.array(connectionSchema).max(mostConnections).optional(),
    })
    .optional(),
});

/** The load of the invoker when it says that. */
const load = z
  .object({ active: count, starting: count, queued: count, freeMiB: z.number(), idleMiB: count })
  .optional() satisfies z.ZodType<LoadNote | undefined>;
const sendings = z.array(z.tuple([idForm, u32])).max(mostSendings);
const faultSchema = z.object({
  code: z.string().regex(/^[A-Z][A-Z_]{1,60}$/),
  kind: z.enum(faultKinds),
  message: z.string().max(10_000),
  hint: z.string().max(10_000).optional(),
  retryAfterMs: ms.max(86_400_000).optional(),
  /** Of the system, behind a fault of the host: it says whether another try may succeed. */
  errno: z
    .string()
    .regex(/^E[A-Z0-9]{1,20}$/)
    .optional()
    .catch(undefined),
});
export const drainOrderSchema = z.object({ isDrained: z.boolean(), at: ms }) satisfies z.ZodType<DrainOrder>;
const reader = { follower: u32 };
const logForm = { isLong: z.boolean(), partial: z.enum(partialLogs).optional() };

/** One schema for each type of message but `report`, which is in `nodes/`. */
export const headSchemas = {
  /**
   * `sentAt`: the sender's clock, with which times are translated. `start`: the sender's process. With `environment`, that of
   * the job is in the tail, after the parameters: so many bytes.
   */
  run: z.object({
    start: startForm,
    sentAt: time,
    isAsked: z.boolean(),
    job: jobSchema,
    environment: z.object({ bytes: z.int().min(0) }).optional(),
  }),
  cancel: z.object({}),
  /** From an invoker the question, from an API node the answer. */
  begin: z.object({ mayBegin: z.boolean().optional() }),
  ack: z.object({ of: sendings }),
  beat: z.object({ of: sendings, load }),
  /** Without `log`, the log follows. Otherwise it is in the tail, after the result: so many bytes. */
  res: z.object({
    completion: completionSchema,
    log: z.object({ ...logForm, bytes: z.int().min(0) }).optional(),
    load,
  }),
  log: z.object({ ...logForm, part: u32, parts: z.int().min(1).max(65_536) }),
  /** `isElsewhere`: the job has not begun, and may go to another node. */
  nack: z.object({ fault: faultSchema, isElsewhere: z.boolean(), load }),
  /**
   * Asks for piece number `piece` of the log, or says that the follower still reads the last one, or has left.
   * `namespace`: of the activation, when it is asked of the API node that has taken it.
   */
  follow: z.object({
    ...reader,
    namespace: name.optional(),
    piece: u32.optional(),
    isReading: z.boolean().optional(),
    hasLeft: z.boolean().optional(),
  }),
  line: z.object({ ...reader, piece: u32, skipped: z.int().min(0) }),
  end: z.object(reader),
  grant: z.object({ forMs: ms.max(60_000) }),
  warm: z.object({ target: targetSchema }),
  /** Images by digest that will be needed here. */
  fetch: z.object({ images: z.array(name).max(100) }),
  retire: z.object({ action: name }),
  expel: z.object({ namespace: name }),
  changed: z.object({}),
  drain: drainOrderSchema,
  /** With `namespace` the question whether a node has taken the activation there, without it the answer. */
  where: z.object({
    question: startForm,
    namespace: name.optional(),
    isHere: z.boolean().optional(),
    /** The node that has it ends it. */
    cancels: z.boolean().optional(),
  }),
  violation: z.object({
    report: violationSchema.extend({
      namespace: name.optional(),
      action: name.optional(),
      activationIds: z.array(idForm).max(1000),
    }),
  }),
} as const satisfies Readonly<Record<Exclude<MessageType, 'report'>, z.ZodType>>;

export type HeadOf<Type extends keyof typeof headSchemas> = z.output<(typeof headSchemas)[Type]>;

/** @throws Fault MESSAGE_INVALID, naming the field */
export function parseHead<Type extends keyof typeof headSchemas>(type: Type, head: JsonObject): HeadOf<Type> {
  return parsed(headSchemas[type], head) as HeadOf<Type>;
}

export const grantsSchema = z
  .array(
    z.object({ namespace: name, action: name, revision: name, permission: z.enum(['allowed', 'denied']) }),
  )
  .max(100_000) satisfies z.ZodType<readonly LoadGrant[]>;

export const linesSchema = z.array(z.string());

/** @throws Fault MESSAGE_INVALID, naming the field */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const found = schema.safeParse(value);
  if (found.success) return found.data;
  const [issue] = found.error.issues;
  throw invalid(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'wrong'}`.slice(0, 500));
}

/** The value as the other side sees it: without undefined fields. */
export function plain(value: object): JsonObject {
  return value as JsonObject;
}

export function faultHead(fault: Fault): JsonObject {
  const { code, kind, message, hint, retryAfterMs } = fault;
  const texts = { message: message.slice(0, 10_000), hint: hint?.slice(0, 10_000) };
  // A node that is older than this kind would drop the message.
  const known: FaultKind = kind === 'overloaded' ? 'busy' : kind;
  return { code, kind: known, ...texts, retryAfterMs, errno: hostErrnoOf(fault) };
}

/** This side decides of which kind a code is that it knows: the other one may have another release. */
const kindsOfCodes: ReadonlyMap<string, FaultKind> = new Map(Object.entries(dispatchFaults));

export function faultFrom(given: z.output<typeof faultSchema>): Fault {
  const { code, kind, message, hint, retryAfterMs, errno } = given;
  return new Fault(code, kindsOfCodes.get(code) ?? kind, message, {
    ...(errno === undefined ? {} : { cause: Object.assign(new Error(message), { code: errno }) }),
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Everything of a completion but its result. */
export function completionHead({ result: _, json: __, utf8: ___, sizeBytes: ____, ...rest }: Completion) {
  return rest;
}

export function violationReportOf({ report }: HeadOf<'violation'>): ViolationReport {
  const { namespace, action, at, ...rest } = report;
  // With a date to come, it would be the newest for ever.
  return { ...rest, at: Math.min(at, Date.now()), namespace, action };
}
