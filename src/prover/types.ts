/** The contract between the attack suite, what runs it, and what tells its results. */

import type { BlobStore } from '../blobs/index.ts';
import type { ActionLimits, Completion } from '../dispatch/index.ts';
import type { ApiConnection, Invoker } from '../invoker/index.ts';
import type { JsonObject } from '../lib/index.ts';
import type { HostFeatures, LocalSandboxHost, Mechanism, Sandbox, SandboxPolicy } from '../sandbox/index.ts';

/** Where an attack is aimed: the kernel and host, other sandboxes, the network, or Ward's own protocol. */
export const attackVectors = ['escape', 'neighbours', 'outside', 'application'] as const;
export type AttackVector = (typeof attackVectors)[number];

/** What answers an attack: a mechanism of the sandbox, or a part of Ward. */
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
  /** What keeps the server from the rest of the machine. */
  | 'server-walls'
  /** What keeps a process that scans or unpacks from the rest of the machine. */
  | 'reader-walls'
  /** How the keeper judges what the server asks for. */
  | 'keeper-check';

/**
 * The answer that an attack should get.
 * An errno: the call was refused. `killed`: the kernel ended the process that made it (SIGSYS, or out of memory).
 * `absent`: what it needs doesn't exist here. `limit`: a limit held. `frozen`: it stood still. `signal`: another
 * signal ended the process. `refused`: Ward or the runtime refused to start it, or to believe it.
 */
export type Expectation =
  | `E${Uppercase<string>}`
  | 'killed'
  | 'absent'
  | 'limit'
  | 'frozen'
  | 'signal'
  | 'refused';

/** A limit of the policy that a technique goes up to, and shortly past where it does not hold. */
export type Reach = 'memory' | 'processes' | 'processors' | 'tmpfs';

export interface TechniqueHead {
  /** Unique: lower-case words with dashes, `mount-new-api`. */
  readonly name: string;
  readonly vector: AttackVector;
  /** What is tried, as a short phrase without a full stop. */
  readonly title: string;
  /** A CVE, a manual page (`mount(2)`) or a document of the kernel. */
  readonly reference: string;
  /** The control that is there to answer it. Others may stand behind. */
  readonly control: Control;
  /** At least one. */
  readonly expects: readonly [Expectation, ...Expectation[]];
  /**
   * Why a success under gVisor gives nothing: it is that kernel's own object that was reached. Without it a success
   * there is an escape like any other.
   */
  readonly harmlessInGvisor?: string;
  /** Under gVisor its kernel itself dies of it (exit 2), and the whole sandbox with it: that is an answer too. */
  readonly endsGvisor?: true;
  /** Tried in a sandbox of its own, and only as far as the machine can bear it. */
  readonly reaches?: Reach;
  /** Why this host stops it with any sandbox; undefined where it could get through. */
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
  /** It writes machine code and runs it: held to what languages with a compiler are, in a sandbox of its own. */
  readonly makesCode?: true;
}

/** An attack that needs the host's side: another sandbox, the channel, a root of its own. */
export interface HostTechnique extends TechniqueHead {
  readonly run: (context: HostContext) => Promise<AttackAnswer>;
}

export type Technique = ProgramTechnique | HostTechnique;

/** What is told of a technique without running it. */
export type TechniqueSummary = Omit<
  TechniqueHead,
  'harmlessInGvisor' | 'endsGvisor' | 'reaches' | 'cannotFail' | 'timeoutMs'
>;

/** What an attack got. `answer` is an Expectation or what came instead. */
export type AttackAnswer =
  | { readonly outcome: 'BLOCKED'; readonly answer: string; readonly detail: string }
  | { readonly outcome: 'ESCAPED'; readonly detail: string }
  /** It could not have escaped here, so the result says nothing. */
  | { readonly outcome: 'NOTHING'; readonly detail: string };

/** What the programs are told (`facts` in the prelude). */
export interface Facts {
  readonly runtime: string;
  readonly arch: string;
  readonly memoryBytes: number;
  readonly pidsLimit: number;
  readonly cpus: number;
  readonly tmpfs: readonly { readonly path: string; readonly sizeBytes: number; readonly inodes: number }[];
  /** `RLIMIT_NOFILE` → its value. */
  readonly rlimits: Readonly<Record<string, number>>;
  /** Of Ward itself: `pid` → `pid:[4026531836]`. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** A text file of the host's that lies in a folder everybody may read. Its content is `secret`. */
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

/** What a host technique works with. Everything that it starts is ended for it. */
export interface HostContext {
  readonly host: LocalSandboxHost;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly facts: Facts;
  /** Starts a Python program (with the prelude) in a sandbox of its own. */
  start(program: string, options?: ProgramOptions): Promise<Sandbox>;
  /** Runs one to its end. @throws Error when it gave no answer */
  run(program: string, options?: ProgramOptions): Promise<AttackAnswer>;
  /** A Python function (`def main(args)`, or an archive), run by the invoker as a server would run it. */
  deploy(code: string | Buffer, limits?: Partial<ActionLimits>): Promise<DeployedFunction>;
  /** The same with a port for an API, a key for it, and the facts with each call, behind `programs/caller.py`. */
  deployCaller(code: string): Promise<Caller>;
  /**
   * The root of the suite's image with one more layer, in which `change` has made what an image may bring: mounted
   * as any image is, or refused as any is. @throws Fault IMAGE_UNSAFE
   */
  rootWith(change: (layerDir: string) => Promise<void>): Promise<string>;
  /** Aborted when its time is over. */
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
  /** Its connections to the API: those that are open, most of them at once, and all so far. */
  connections(): { readonly open: number; readonly most: number; readonly all: number };
}

/** An API with two tenants, of which one is the attacker. */
export interface AttackedApi extends AsyncDisposable {
  /** Takes what comes out of sandboxes of the attacker. */
  connect(connection: ApiConnection): void;
  readonly facts: {
    /** The attacker's own, with all rights, and one that may only read. */
    readonly key: string;
    readonly lesserKey: string;
    /** The other tenant, and its key. */
    readonly victim: string;
    readonly victimKey: string;
    /** Secrets in the other's entities and behind the operator's routes, which must not come out. */
    readonly secret: string;
  };
}

export type OpenAttackedApi = (parts: {
  readonly invoker: Invoker;
  readonly blobs: BlobStore;
}) => Promise<AttackedApi>;

/** `NOTHING`: it can't escape here under any policy. `ERROR`: nothing is known: neither blocked nor escaped. */
export type Outcome = 'BLOCKED' | 'ESCAPED' | 'ERROR' | 'NOTHING';

export interface TechniqueResult {
  readonly name: string;
  readonly vector: AttackVector;
  readonly title: string;
  readonly reference: string;
  readonly outcome: Outcome;
  /** What answered: an errno, `killed`, …; '' when nothing did. */
  readonly answer: string;
  /** The answer is one of those that were expected. */
  readonly asExpected: boolean;
  readonly control: Control;
  readonly detail: string;
  /** Wall-clock time, with the start and the end of its sandbox. */
  readonly milliseconds: number;
}
