/**
 * The server's requests to the keeper, and the answers. Each is a line of JSON, on a socket that only the two have. The
 * keeper parses every line with these schemas, because it comes from a process that talks to the world.
 */
import { z } from 'zod';
import { parseEgress, type Traffic } from '../egress/index.ts';
import type { FaultKind } from '../lib/index.ts';
import type { PolicyAsk, SandboxExit, SandboxUsage, Violation } from '../sandbox/index.ts';

const name = z.string().regex(/^[0-9a-f]{16}$/);
/** A digest, followed by that of the folders that only this root has, if any. */
const rootName = z.string().regex(/^[0-9a-f]{64}(?:-[0-9a-f]{16})?$/);
const text = z.string().max(131_072);
const port = z.int().min(1).max(65_535);

/** What an action may request. */
const actionFields = {
  runtime: z.enum(['crun', 'runc', 'runsc']).optional(),
  cpus: z.number().optional(),
  tmpfs: z
    .array(
      z.strictObject({
        path: z.string().max(4096),
        sizeBytes: z.number(),
        inodes: z.number(),
        exec: z.boolean(),
      }),
    )
    .max(64)
    .optional(),
  seccomp: z.array(z.unknown()).max(8).optional(),
  egress: z
    .array(z.unknown())
    .transform((rules) => parseEgress(rules))
    .optional(),
};
const capabilities = z.array(z.string().max(64)).max(64);
/** The same, plus the flags of a sandbox that is run by hand. */
const flags = {
  ...actionFields,
  memoryBytes: z.number().optional(),
  pidsLimit: z.number().optional(),
  rootReadonly: z.boolean().optional(),
  capAdd: capabilities.optional(),
  capDrop: capabilities.optional(),
  uid: z.number().optional(),
  gid: z.number().optional(),
};

function askOf(request: Readonly<Record<string, z.ZodType>>): z.ZodType<PolicyAsk> {
  const ask = z.strictObject({
    request: z.strictObject(request),
    memoryBytes: z.int().positive(),
    writeExecute: z.literal('refused').optional(),
  });
  // Missing keys stay missing, which the compiler does not know.
  return ask.transform((parsed) => parsed as PolicyAsk);
}

const orderOf = (ask: z.ZodType<PolicyAsk>) =>
  z.strictObject({
    root: rootName,
    code: name.optional(),
    args: z.array(text).min(1).max(4096),
    env: z.record(text, text),
    cwd: z.string().max(4096),
    channel: z.enum(['channel', 'none']),
    /** The namespace whose share of the network the sandbox uses. */
    tenant: z.string().max(512).optional(),
    ask,
  });

/** Each request has a number chosen by the server, and its answer has the same number. */
const requestsOf = (ask: z.ZodType<PolicyAsk>) =>
  z.discriminatedUnion('op', [
    /** `ready`: the number of the request that prepared a process for it. */
    z.strictObject({ op: z.literal('start'), id: z.int(), order: orderOf(ask), ready: z.int().optional() }),
    z.strictObject({ op: z.literal('ready'), id: z.int() }),
    z.strictObject({ op: z.literal('check'), id: z.int(), ask }),
    z.strictObject({ op: z.literal('destroy'), id: z.int(), sandbox: name }),
    z.strictObject({ op: z.literal('lend'), id: z.int(), sandbox: name }),
    z.strictObject({ op: z.literal('told'), id: z.int(), sandbox: name }),
    z.strictObject({ op: z.literal('wayIn'), id: z.int(), sandbox: name, port }),
    z.strictObject({ op: z.literal('portFolder'), id: z.int(), sandbox: name, port }),
    z.strictObject({
      op: z.literal('serve'),
      id: z.int(),
      sandbox: name,
      port,
      connections: z.int().min(1).max(1024),
    }),
    z.strictObject({
      op: z.literal('mount'),
      id: z.int(),
      root: rootName,
      reference: z.string().max(1024),
      /** Relative to the folder of layers, lowest first; or `givenLayer`. */
      layers: z.array(z.string().max(128)).max(512),
      folders: z.array(z.string().max(255)).max(128),
    }),
    z.strictObject({ op: z.literal('unmount'), id: z.int(), root: rootName }),
    z.strictObject({ op: z.literal('scan'), id: z.int() }),
    z.strictObject({ op: z.literal('endScan'), id: z.int(), scan: name }),
    z.strictObject({ op: z.literal('makeCode'), id: z.int() }),
    z.strictObject({ op: z.literal('removeCode'), id: z.int(), code: name }),
  ]);

/** Schemas for actions, and for the flags of a command line. */
export const requestSchemas = {
  actions: requestsOf(askOf(actionFields)),
  flags: requestsOf(askOf(flags)),
} as const;

/** The name of the folder that the operator gave as a root. */
export const givenLayer = 'given';

export type Request = z.output<typeof requestSchemas.actions>;
export type Operation = Request['op'];
export type KeeperOrder = z.output<ReturnType<typeof orderOf>>;

/** The answer to each operation. */
export interface Answers {
  readonly start: { readonly sandbox: string };
  /** A process waits to become the next sandbox, on the four streams of the request. */
  readonly ready: null;
  readonly check: null;
  readonly destroy: null;
  /** False while some of its control groups do not exist yet: the server asks again. */
  readonly lend: { readonly isLent: boolean };
  /** `traffic`: of a sandbox with egress rules. */
  readonly told: { readonly traffic?: Traffic | undefined };
  /** A Unix socket. */
  readonly wayIn: { readonly path: string };
  readonly portFolder: { readonly path: string };
  readonly serve: null;
  readonly mount: { readonly path: string };
  readonly unmount: null;
  /** The request's streams are one to talk on, and the error stream. */
  readonly scan: { readonly scan: string };
  readonly endScan: null;
  readonly makeCode: { readonly code: string; readonly path: string };
  readonly removeCode: null;
}

export interface WireFault {
  readonly code: string;
  readonly kind: FaultKind;
  readonly message: string;
  readonly hint?: string | undefined;
  /** The system error behind the fault, if any: `EIO`. */
  readonly errno?: string | undefined;
}

/** Messages from the keeper after its first line. `ended` is the last one about a sandbox. */
export type Said =
  | { readonly say: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly say: 'fault'; readonly id: number; readonly fault: WireFault }
  | {
      readonly say: 'ended';
      readonly sandbox: string;
      readonly exit: SandboxExit;
      readonly usage: SandboxUsage;
    }
  | { readonly say: 'scanned'; readonly scan: string; readonly how: string }
  /** A message from the program that started the keeper, in its own format. */
  | { readonly say: 'news'; readonly news: unknown }
  /** Number of sandboxes that have ended but could not be removed yet. */
  | { readonly say: 'left'; readonly count: number }
  | { readonly say: 'lost'; readonly sandbox: string; readonly port: number; readonly why: string }
  | { readonly say: 'violation'; readonly sandbox: string; readonly violation: Violation };

/** The keeper's first line. */
export interface Hello {
  /** Where the server connects the streams of sandboxes, and the secret that it sends first. */
  readonly door: { readonly path: string; readonly secret: string };
  readonly instance: string;
  readonly cgroup: {
    readonly mode: 'v1' | 'v2' | 'hybrid';
    readonly version: 1 | 2;
    readonly controllers: readonly (readonly [string, string])[];
    readonly swapLimit: boolean;
    readonly ioWeight: boolean;
  };
  /** Whether the kernel's log may report violations. */
  readonly hearsKernel: boolean;
  /** Folder of the image store's layers. */
  readonly layersDir: string;
  /** Folder where roots are mounted. */
  readonly mountsDir: string;
  /** For code that is still incomplete; absent where sandboxes get no code. */
  readonly codeWorkDir?: string;
  /** The server's task, in its own format. */
  readonly task: unknown;
}
