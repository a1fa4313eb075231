/** What the rest of Ward knows of a sandbox. The policy is in `policy.ts`. */
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { PolicyAsk } from './bound.ts';
import type { RefusalCounters } from './cgroup/types.ts';
import type { SandboxPolicy } from './policy.ts';

export type { RuntimeName } from './policy.ts';

/** What to run, in which root, under which policy. */
export interface SandboxRequest {
  /** Absolute path of a mounted, read-only root filesystem. */
  readonly rootDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly policy: SandboxPolicy;
  /** A host folder that appears read-only (nosuid, nodev, executable) at /fn. */
  readonly codeDir?: string;
  /** The namespace that it belongs to, for what is shared out among namespaces. Ward's own without it. */
  readonly tenant?: string;
  /** `channel`: fd 3 is one end of a socketpair. `none`: stdio only. */
  readonly channel: 'channel' | 'none';
}

/** Why a sandbox ended, as read from the kernel before its cgroup was removed. */
export interface SandboxExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The kernel killed a process of it for exceeding its memory limit. */
  readonly outOfMemory: boolean;
  /** A process of it made a system call that the policy answers with SIGSYS. */
  readonly seccompKill: boolean;
  /** Ward ended it on purpose. */
  readonly killed: boolean;
  /** What the OCI runtime itself said when it could not start the sandbox; '' otherwise. */
  readonly runtimeError: string;
}

export interface SandboxUsage {
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly cpuUsec: number;
  readonly pids: number;
  /** Processes of it that the kernel killed for exceeding the memory limit; it may have survived them. */
  readonly oomKills: number;
  /** Processes and threads that could not be made, because there were as many as there may be. */
  readonly refusedForks: number;
}

/** A TCP port of a sandbox's own loopback, as the host reaches it. */
export interface LoopbackPort {
  /**
   * A connection, which waits inside until a program listens on the port. It closes with the sandbox. Everything read
   * from it is hostile. @throws Fault PORT_UNREACHABLE
   */
  connect(): Promise<Socket>;
}

/** A TCP port of a sandbox's own loopback that leads to the host. */
export interface ServedPort {
  /** Settles when connections are taken. Rejects with the Fault PORT_UNREACHABLE. */
  readonly ready: Promise<void>;
}

export interface ServePort {
  readonly port: number;
  /** At once; further ones wait inside. */
  readonly connections: number;
  /**
   * Hears of each connection: paused, with nothing read from it. It is closed when the sandbox is frozen, and with the
   * sandbox; none comes while it is frozen. Everything read from it is hostile.
   */
  readonly onConnection: (socket: Socket) => void;
}

/** Where the host reaches a port of a sandbox. */
export interface WayIn {
  /** A Unix socket, soon. */
  readonly path: string;
  /** Why it leads nowhere any more; undefined while it does. */
  readonly said: () => string | undefined;
  readonly ended: Promise<void>;
}

/**
 * A sandbox as its maker has it: without the streams, which may belong to another process, and with ports as sockets of the
 * host.
 */
export interface SupervisedSandbox
  extends Pick<
    Sandbox,
    'id' | 'exited' | 'freeze' | 'thaw' | 'cpuUsec' | 'standBack' | 'refusalsTold' | 'destroy'
  > {
  usage(): SandboxUsage;
  /** To be closed. */
  refusals(): RefusalCounters;
  /** Reports what the kernel has written of it to its log; absent where nothing writes there. */
  readonly hearKernel?: (() => void) | undefined;
  readonly hasEnded: () => boolean;
  /** @throws Fault PORT_UNREACHABLE where the runtime keeps the network to itself (runsc) */
  checkPorts(): void;
  /** Once per port. @throws Fault PORT_UNREACHABLE */
  wayIn(port: number): Promise<WayIn>;
  /** Makes the folder in which the host listens for connections of this port; before `serve`. @throws Fault PORT_UNREACHABLE */
  portFolder(port: number): Promise<string>;
  /** Settles when connections are taken. @throws Fault PORT_UNREACHABLE */
  serve(port: Pick<ServePort, 'port' | 'connections'>): Promise<void>;
}

/** A sandbox for the process that made it. */
export interface MadeSandbox extends SupervisedSandbox {
  /** Settles when nothing of it is left. */
  readonly removed: Promise<void>;
  /** Lets a user freeze, thaw and weigh it. */
  lend(userId: number): Promise<boolean>;
}

export interface Sandbox extends AsyncDisposable {
  readonly id: string;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Host end of the socketpair; undefined with `channel: 'none'`. Everything read from it is hostile. */
  readonly channel: Duplex | undefined;
  /** Settles once, when the sandbox has ended and its cgroup has been read. Never rejects. */
  readonly exited: Promise<SandboxExit>;
  /** Stops every process of it where it stands. Idempotent. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  usage(): Promise<SandboxUsage>;
  /** Processor time used so far, in µs. Cheap. */
  cpuUsec(): number;
  /** Whether it gets only what other sandboxes leave of the processors, and makes way for them at once. */
  standBack(isBehind: boolean): void;
  /** Looks for violations that only counters of the kernel tell, and reports them. Takes microseconds. */
  examine(): void;
  /** Of one that may reach something: settles when everything that it was refused so far has been told. */
  readonly refusalsTold?: (() => Promise<void>) | undefined;
  /** Once per port. @throws Fault PORT_UNREACHABLE where the runtime keeps the network to itself (runsc) */
  openPort(port: number): LoopbackPort;
  /**
   * Once per port; not while it is frozen. What it takes to carry the bytes counts against the sandbox's own limits; and
   * when the port is lost, the sandbox ends.
   * @throws Fault PORT_UNREACHABLE where the runtime keeps the network to itself (runsc)
   */
  servePort(served: ServePort): ServedPort;
  /** Ends it (thawing it first) and removes its cgroup, bundle and runtime state. Idempotent. */
  destroy(): Promise<void>;
}

export interface RecoveryReport {
  readonly sandboxes: number;
  readonly processes: number;
  readonly cgroups: number;
  readonly mounts: number;
}

/** What to run, with wishes in place of a policy: the maker of the sandbox derives the policy by itself. */
export interface SandboxOrder extends Omit<SandboxRequest, 'policy'> {
  readonly ask: PolicyAsk;
}

/** Makes sandboxes for the platform, within what the operator allows. */
export interface SandboxHost {
  /** @throws Fault SANDBOX_START_FAILED, POLICY_NOT_MET, POLICY_EXCEEDED, POLICY_INVALID, RUNTIME_MISSING */
  start(order: SandboxOrder): Promise<Sandbox>;
  /**
   * Whether such sandboxes can start here at all, given an image that can apply Landlock.
   * @throws Fault POLICY_NOT_MET, POLICY_EXCEEDED, POLICY_INVALID, RUNTIME_MISSING
   */
  checkPolicy(ask: PolicyAsk): Promise<void>;
}
