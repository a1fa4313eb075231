/** Types that the attack suite, its runner and its reports share. */

import type { BlobStore } from '../blobs/index.ts';
import type { ActionLimits, Completion } from '../dispatch/index.ts';
import type { ApiConnection, Invoker } from '../invoker/index.ts';
import type { JsonObject } from '../lib/index.ts';
import type { HostFeatures, LocalSandboxHost, Mechanism, Sandbox, SandboxPolicy } from '../sandbox/index.ts';
import type { TakenNode } from './taken-node.ts';

/** Where an attack is aimed: the kernel and host, other sandboxes, the network, Ward's own protocol, or other nodes. */
export const attackVectors = ['escape', 'neighbours', 'outside', 'application', 'cluster'] as const;
export type AttackVector = (typeof attackVectors)[number];

/** What stops an attack: a mechanism of the sandbox, or a part of Ward. */
type Control =
  | Mechanism
  | 'channel-protocol'
  | 'log-limit'
  | 'image-check'
  | 'archive-check'
  | 'request-check'
  | 'own-environment'
  | 'api-entrance'
  | 'sandbox-end'
  /** The confinement of the server process. */
  | 'server-walls'
  /** The confinement of processes that scan or unpack. */
  | 'reader-walls'
  /** The keeper's check of the server's requests. */
  | 'keeper-check'
  /** What the servers of the bus let each node say and hear. */
  | 'bus-rights'
  /** An API node's check of what invokers say. */
  | 'job-check'
  /** An API node's check of requests of nodes. */
  | 'node-check';

/**
 * The answer that an attack should get.
 * An errno: the call was refused. `killed`: the kernel ended the process that made it (SIGSYS, or out of memory).
 * `absent`: what it needs doesn't exist here. `limit`: a limit held. `frozen`: the sandbox was frozen. `signal`:
 * another signal ended the process. `refused`: Ward or the runtime refused to start it, or rejected its message.
 */
export type Expectation =
  | `E${Uppercase<string>}`
  | 'killed'
  | 'absent'
  | 'limit'
  | 'frozen'
  | 'signal'
  | 'refused';

/** A limit of the policy that a technique reaches, and slightly exceeds where it does not hold. */
export type Reach = 'memory' | 'processes' | 'processors' | 'tmpfs';

export interface TechniqueHead {
  /** Unique: lower-case words with dashes, `mount-new-api`. */
  readonly name: string;
  readonly vector: AttackVector;
  /** What is tried, as a short phrase without a full stop. */
  readonly title: string;
  /** A CVE, a manual page (`mount(2)`) or a document of the kernel. */
  readonly reference: string;
  /** The control that should stop it. Others may stand behind. */
  readonly control: Control;
  /** At least one. */
  readonly expects: readonly [Expectation, ...Expectation[]];
  /**
   * Why a success under gVisor gives nothing: it reached only an object of gVisor's own kernel. Without it a success
   * there is an escape.
   */
  readonly harmlessInGvisor?: string;
  /** It crashes gVisor's kernel (exit 2) and with it the whole sandbox, which counts as an answer. */
  readonly endsGvisor?: true;
  /** Runs in a sandbox of its own, and only where the machine has the capacity. */
  readonly reaches?: Reach;
  /** Why this host stops it without any sandbox; undefined where it could get through. */
  readonly cannotFail?: (host: Pick<HostFeatures, 'kernel'>) => string | undefined;
  /** Milliseconds after which it counts as an error; 20,000 unless said. */
  readonly timeoutMs?: number;
}

/**
 * A Python program, `programs/VECTOR/NAME.py`, run by itself with the prelude before it (`programs/prelude.py`). It is
 * harmless where the control is missing: bounded, aimed only at what it made, never writing to what belongs to the
 * host. It ends by `blocked(…)` or `escaped(…)`.
 */
export interface ProgramTechnique extends TechniqueHead {
  /** The name of its file where that isn't its own: techniques share a program, and differ in their parameters. */
  readonly program?: string;
  /** Added to the facts. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  /** It writes and runs machine code: the policy of compiled languages holds, in a sandbox of its own. */
  readonly makesCode?: true;
}

/** An attack that needs the host's side: another sandbox, the channel, a root of its own. */
export interface HostTechnique extends TechniqueHead {
  readonly run: (context: HostContext) => Promise<AttackAnswer>;
}

export type Technique = ProgramTechnique | HostTechnique;

/** The description of a technique. */
export type TechniqueSummary = Omit<
  TechniqueHead,
  'harmlessInGvisor' | 'endsGvisor' | 'reaches' | 'cannotFail' | 'timeoutMs'
>;

/** The result of an attack. `answer` is an Expectation, or another answer that came. */
export type AttackAnswer =
  | { readonly outcome: 'BLOCKED'; readonly answer: string; readonly detail: string }
  | { readonly outcome: 'ESCAPED'; readonly detail: string }
  /** It could not have escaped here, so the result proves nothing. */
  | { readonly outcome: 'NOTHING'; readonly detail: string };

/** Facts for the programs (`facts` in the prelude). */
export interface Facts {
  readonly runtime: string;
  readonly arch: string;
  readonly memoryBytes: number;
  readonly pidsLimit: number;
  readonly cpus: number;
  readonly tmpfs: readonly { readonly path: string; readonly sizeBytes: number; readonly inodes: number }[];
  /** `RLIMIT_NOFILE` → its value. */
  readonly rlimits: Readonly<Record<string, number>>;
  /** Namespaces of Ward itself: `pid` → `pid:[4026531836]`. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** A text file of the host in a folder that every user may read. Its content is `secret`. */
  readonly secretFile: string;
  readonly secret: string;
}

export interface ProgramOptions {
  /** Added to the facts: what one sandbox has to know of another. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly channel?: boolean;
  readonly rootDir?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The tools of a host technique. The suite ends everything that it starts. */
export interface HostContext {
  readonly host: LocalSandboxHost;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly facts: Facts;
  /** Starts a Python program (with the prelude) in a sandbox of its own. */
  start(program: string, options?: ProgramOptions): Promise<Sandbox>;
  /** Runs one to its end. @throws Error when it gave no answer. */
  run(program: string, options?: ProgramOptions): Promise<AttackAnswer>;
  /** A Python function (`def main(args)`, or an archive), run by the invoker as a server would run it. */
  deploy(code: string | Buffer, limits?: Partial<ActionLimits>): Promise<DeployedFunction>;
  /** Also gives it a port and a key for the API, and the facts with each call; `programs/caller.py` comes before it. */
  deployCaller(code: string): Promise<Caller>;
  /**
   * The root of the suite's image with one more layer, in which `change` has made what an image may bring: mounted
   * as any image is, or refused as any is. @throws Fault IMAGE_UNSAFE
   */
  rootWith(change: (layerDir: string) => Promise<void>): Promise<string>;
  /** The invoker of this machine, as if it was taken over. A text says why it has none. */
  readonly node: TakenNode | string;
  /** Aborted at its deadline. */
  readonly signal: AbortSignal;
}

/** Calls of one function; its sandbox stays warm between them, and is frozen while it is idle. */
export interface DeployedFunction {
  call(parameters?: JsonObject): Promise<Completion & { readonly lines: readonly string[] }>;
}

/** A function with a port for the API. */
export interface Caller {
  /** Its result. @throws Error when it failed */
  call(parameters?: JsonObject): Promise<JsonObject>;
  /** Counts its connections to the API: open now, the most at once, and all so far. */
  connections(): { readonly open: number; readonly most: number; readonly all: number };
}

/** An API with two tenants, of which one is the attacker. */
export interface AttackedApi extends AsyncDisposable {
  /** Handles a connection that comes out of the attacker's sandbox. */
  connect(connection: ApiConnection): void;
  readonly facts: {
    /** The attacker's own key, with all rights, and one that may only read. */
    readonly key: string;
    readonly lesserKey: string;
    /** The other tenant, and its key. */
    readonly victim: string;
    readonly victimKey: string;
    /** A secret in the victim's entities and behind the operator's routes, which must not leak. */
    readonly secret: string;
  };
}

export type OpenAttackedApi = (parts: {
  readonly invoker: Invoker;
  readonly blobs: BlobStore;
}) => Promise<AttackedApi>;

/** `NOTHING`: it can't escape here under any policy. `ERROR`: it is unknown whether it was blocked or escaped. */
export type Outcome = 'BLOCKED' | 'ESCAPED' | 'ERROR' | 'NOTHING';

export interface TechniqueResult {
  readonly name: string;
  readonly vector: AttackVector;
  readonly title: string;
  readonly reference: string;
  readonly outcome: Outcome;
  /** An errno, `killed`, …; '' when nothing answered. */
  readonly answer: string;
  /** The answer is one of the expected ones. */
  readonly asExpected: boolean;
  readonly control: Control;
  readonly detail: string;
  /** Wall-clock time, including the start and the end of its sandbox. */
  readonly milliseconds: number;
}
