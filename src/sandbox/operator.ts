/**
 * The settings of a machine's operator: the default policy, and how far a request may depart from it. Reads them from
 * the `sandbox` part of Ward's configuration file; an unknown key is an error.
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import {
  closedCeiling,
  defaultEgressLimits,
  type EgressCeiling,
  type EgressLimits,
  egressCeilingSchema,
  egressLimitsSchema,
} from '../egress/index.ts';
import { parseSize } from '../lib/index.ts';
import { parseCapability } from './capabilities.ts';
import { isMechanism } from './mechanisms.ts';
import type { RuntimeName } from './policy.ts';
import { type SandboxPolicy, strictPolicy } from './policy.ts';

/** The furthest that a request may go. */
export interface PolicyCeiling {
  readonly memoryBytes: number;
  readonly cpus: number;
  readonly pidsLimit: number;
  /** For all tmpfs of a sandbox together. */
  readonly tmpfsBytes: number;
  readonly capabilities: readonly string[];
  readonly runtimes: readonly RuntimeName[];
  /** System calls that a profile may allow beyond the strict list. */
  readonly seccompCalls: readonly string[];
  readonly execTmpfs: boolean;
  /** The platform's own API, for actions that get a key. */
  readonly api: boolean;
  readonly egress: EgressCeiling;
}

export interface OperatorPolicy {
  readonly defaults: SandboxPolicy;
  readonly ceiling: PolicyCeiling;
  /** Applies to every sandbox with egress rules. */
  readonly egress: {
    readonly limits: EgressLimits;
    readonly resolvers: readonly string[] | undefined;
  };
}

const size = z.union([z.int().positive(), z.string()]).transform((value, context) => {
  const bytes = typeof value === 'number' ? value : parseSize(value);
  if (bytes === undefined || bytes === 0) {
    context.addIssue({ code: 'custom', message: 'not a size, like 512m or 2g' });
  }
  return bytes ?? 0;
});
const capability = z.string().transform((text, context) => {
  const name = parseCapability(text);
  if (name === undefined) context.addIssue({ code: 'custom', message: `no capability ${text}` });
  return name ?? '';
});
const mechanism = z.string().refine(isMechanism, 'no such mechanism');
const runtime = z.enum(['crun', 'runc', 'runsc']);
const cpus = z.number().min(0.01).max(1024);
const pids = z.int().min(1).max(4_194_304);

/** `203.0.113.53`, `203.0.113.53:5353`, `[2001:db8::53]:53`. */
export const resolverSchema = z.string().refine((text) => {
  const [, bracketed, plain, port = '53'] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return (
    isIP(text) !== 0 || (isIP(bracketed ?? plain ?? '') !== 0 && Number(port) > 0 && Number(port) < 65_536)
  );
}, 'not the address of a resolver');

/** The `sandbox` part of the configuration file. */
export const operatorPolicySchema = z.strictObject({
  runtime: runtime.optional(),
  memory: size.optional(),
  cpus: cpus.optional(),
  cpuWeight: z.int().min(1).max(10_000).optional(),
  pidsLimit: pids.optional(),
  io: z
    .strictObject({
      weight: z.int().min(1).max(1000).optional(),
      readBytesPerSecond: size.optional(),
      writeBytesPerSecond: size.optional(),
    })
    .optional(),
  landlock: z.boolean().optional(),
  writeExecute: z.enum(['by-kind', 'allowed']).optional(),
  coreScheduling: z.boolean().optional(),
  speculationControl: z.boolean().optional(),
  /** `auto`, `off`, or the name of a loaded profile. */
  apparmorProfile: z.string().min(1).max(256).optional(),
  selinuxLabel: z
    .string()
    .regex(
      /^(?:auto|off|[a-z0-9_]+:[a-z0-9_]+:[a-z0-9_]+:s\d+(?::c\d+(?:[,.]c\d+)*)?)$/i,
      'not auto, off or a label: user:role:type:level',
    )
    .optional(),
  /** How Ward treats a runtime with known holes. */
  runtimeAdvisories: z.enum(['warn', 'refuse-open', 'refuse']).optional(),
  /** Replaces the default list. */
  required: z.array(mechanism).optional(),
  /** For sandboxes with egress rules. */
  egress: z
    .strictObject({
      resolvers: z.array(resolverSchema).min(1).max(8).optional(),
      limits: egressLimitsSchema.optional(),
    })
    .optional(),
  /** How far a request may go. */
  allow: z
    .strictObject({
      memory: size.optional(),
      cpus: cpus.optional(),
      pidsLimit: pids.optional(),
      tmpfs: size.optional(),
      capabilities: z.array(capability).optional(),
      runtimes: z.array(runtime).optional(),
      seccompCalls: z.array(z.string().regex(/^[a-z0-9_]{1,64}$/)).optional(),
      execTmpfs: z.boolean().optional(),
      api: z.boolean().optional(),
      egress: egressCeilingSchema.optional(),
    })
    .optional(),
});

type OperatorPolicyFile = z.output<typeof operatorPolicySchema>;

const GiB = 1024 ** 3;

/** What an action may have and gets, in MiB, as in OpenWhisk, unless the operator says otherwise. */
export const usualMemoryMiB = { min: 128, max: 512, default: 256 } as const;

/**
 * The ceiling when the operator sets none. These capabilities give power only over objects of the sandbox's own range
 * of ids; none of them reaches the network, devices, mounts or other processes.
 */
export const defaultCeiling: PolicyCeiling = {
  memoryBytes: 8 * GiB,
  cpus: 16,
  pidsLimit: 4096,
  tmpfsBytes: GiB,
  capabilities: [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_FSETID',
    'CAP_KILL',
    'CAP_NET_BIND_SERVICE',
  ],
  runtimes: ['crun', 'runc', 'runsc'],
  seccompCalls: [],
  execTmpfs: false,
  api: true,
  egress: closedCeiling,
};

/** Turns the parsed part of the file, if any, into the settings that apply. */
export function operatorPolicy(file: OperatorPolicyFile = {}): OperatorPolicy {
  const { memory, landlock, allow, io, egress, ...rest } = file;
  const { memory: maxMemory, tmpfs, ...ceiling } = allow ?? {};
  return {
    defaults: {
      ...strictPolicy,
      ...defined(rest),
      ...(memory === undefined ? {} : { memoryBytes: memory }),
      ...(io === undefined ? {} : { io: defined(io) }),
      ...(landlock === false ? { landlock: undefined } : {}),
      ...(rest.apparmorProfile === 'off' ? { apparmorProfile: undefined } : {}),
      ...(rest.selinuxLabel === 'off' ? { selinuxLabel: undefined } : {}),
    },
    ceiling: {
      ...defaultCeiling,
      ...defined(ceiling),
      ...(maxMemory === undefined ? {} : { memoryBytes: maxMemory }),
      ...(tmpfs === undefined ? {} : { tmpfsBytes: tmpfs }),
    },
    egress: { limits: egress?.limits ?? defaultEgressLimits, resolvers: egress?.resolvers },
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Drops keys whose value is undefined, so that spreading the result overrides nothing by accident. */
function defined<T extends object>(value: T): Defined<T>;
function defined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}
