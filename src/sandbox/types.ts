/** The interface of a sandbox for the rest of Ward. The policy is in `policy.ts`. */
import type { Socket } from 'node:net';
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Traffic } from '../egress/index.ts';
import type { PolicyAsk } from './bound.ts';
import type { RefusalCounters } from './cgroup/types.ts';
import type { SandboxPolicy } from './policy.ts';

export type { RuntimeName } from './policy.ts';

/** What to run, in which root and under which policy. */
export interface SandboxRequest {
  /** Absolute path of a mounted, read-only root filesystem. */
  readonly rootDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly policy: SandboxPolicy;
  /** A host folder that appears read-only (nosuid, nodev, executable) at /fn. */
  readonly codeDir?: string;
  /** The namespace that it belongs to, for shares between namespaces; absent: Ward itself. */
  readonly tenant?: string;
  /** `channel`: fd 3 is one end of a socketpair. `none`: stdio only. */
  readonly channel: 'channel' | 'none';
}

/** How a sandbox ended, read from the kernel before its cgroup was removed. */
export interface SandboxExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The kernel killed a process of it for exceeding its memory limit. */
  readonly outOfMemory: boolean;
  /** One of its processes made a system call that the policy answers with SIGSYS. */
  readonly seccompKill: boolean;
  /** Ward ended it on purpose. */
  readonly killed: boolean;
  /** The OCI runtime's own error when it could not start the sandbox; '' otherwise. */
  readonly runtimeError: string;
  /** What it has sent and received, if it has egress rules. */
  readonly traffic?: Traffic | undefined;
}

export interface SandboxUsage {
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly cpuUsec: number;
  readonly pids: number;
  /** Processes that the kernel killed for exceeding the memory limit; the sandbox may have survived. */
  readonly oomKills: number;
  /** Processes and threads that the kernel refused to make because the limit was reached. */
  readonly refusedForks: number;
}

/** The host's access to a TCP port of a sandbox's own loopback. */
export interface LoopbackPort {
  /**
   * Opens a connection, which waits inside until a program listens on the port. It closes with the sandbox. Everything
   * read from it is hostile. @throws Fault PORT_UNREACHABLE
   */
  connect(): Promise<Socket>;
}

/** A TCP port of a sandbox's own loopback that leads to the host. */
export interface ServedPort {
  /** Settles when it accepts connections. Rejects with the Fault PORT_UNREACHABLE. */
  readonly ready: Promise<void>;
}

export interface ServePort {
  readonly port: number;
  /** Most connections at once; further ones wait inside. */
  readonly connections: number;
  /**
   * Receives each connection, paused, before anything is read from it. It closes with the sandbox, and when the sandbox
   * is frozen; no connection arrives while it is frozen. Everything read from it is hostile.
   */
  readonly onConnection: (socket: Socket) => void;
}

/** Where the host reaches a port of a sandbox. */
export interface WayIn {
  /** A Unix socket, which may not exist yet. */
  readonly path: string;
  /** The reason why it is broken; undefined while it works. */
  readonly said: () => string | undefined;
  readonly ended: Promise<void>;
}

/**
 * A sandbox for the process that supervises it: without the streams, which may belong to another process, and with
 * ports as sockets of the host.
 */
export interface SupervisedSandbox
  extends Pick<
    Sandbox,
    'id' | 'exited' | 'freeze' | 'thaw' | 'cpuUsec' | 'standBack' | 'refusalsTold' | 'destroy'
  > {
  usage(): SandboxUsage;
  /** The caller closes them. */
  refusals(): RefusalCounters;
  /** Reports the kernel's log lines about this sandbox; absent where the kernel logs none. */
  readonly hearKernel?: (() => void) | undefined;
  readonly hasEnded: () => boolean;
  /** @throws Fault PORT_UNREACHABLE where the runtime keeps the network to itself (runsc) */
  checkPorts(): void;
  /** Once per port. @throws Fault PORT_UNREACHABLE */
  wayIn(port: number): Promise<WayIn>;
  /**
   * Makes the folder in which the host listens for connections of this port; call it before `serve`. @throws Fault
   * PORT_UNREACHABLE
   */
  portFolder(port: number): Promise<string>;
  /** Settles when it accepts connections. @throws Fault PORT_UNREACHABLE */
  serve(port: Pick<ServePort, 'port' | 'connections'>): Promise<void>;
}

/** A sandbox for the process that made it. */
export interface MadeSandbox extends SupervisedSandbox {
  /** Settles when everything of it has been removed. */
  readonly removed: Promise<void>;
  /** Allows a user to freeze, thaw and weigh it. */
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
  /** Freezes all its processes. Idempotent. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  usage(): Promise<SandboxUsage>;
  /** Processor time used so far, in µs. Cheap. */
  cpuUsec(): number;
  /** Whether it gets only the processor time that other sandboxes leave, and yields to them at once. */
  standBack(isBehind: boolean): void;
  /** Reads the kernel's counters and reports new violations. Takes microseconds. */
  examine(): void;
  /**
   * Settles when every refusal so far has been reported, with what the sandbox has sent and received so far if it has
   * egress rules. Absent where nothing announces refusals.
   */
  readonly refusalsTold?: (() => Promise<Traffic | undefined>) | undefined;
  /** Once per port. @throws Fault PORT_UNREACHABLE where the runtime keeps the network to itself (runsc) */
  openPort(port: number): LoopbackPort;
  /**
   * Call it once per port, and not while the sandbox is frozen. The relay counts against the sandbox's own limits; when
   * the port is lost, the sandbox ends.
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

/** What to run, with a request in place of a policy: the maker of the sandbox derives the policy itself. */
export interface SandboxOrder extends Omit<SandboxRequest, 'policy'> {
  readonly ask: PolicyAsk;
}

/** Makes sandboxes for the platform, within what the operator allows. */
export interface SandboxHost {
  /** @throws Fault SANDBOX_START_FAILED, POLICY_NOT_MET, POLICY_EXCEEDED, POLICY_INVALID, RUNTIME_MISSING */
  start(order: SandboxOrder): Promise<Sandbox>;
  /**
   * Checks whether such sandboxes can start here at all, given an image that can apply Landlock.
   * @throws Fault POLICY_NOT_MET, POLICY_EXCEEDED, POLICY_INVALID, RUNTIME_MISSING
   */
  checkPolicy(ask: PolicyAsk): Promise<void>;
  /** Memory that its sandboxes use now, with their page cache. Takes microseconds. */
  memoryBytes(): number;
  /** Number of its sandboxes that have ended but could not be removed yet. */
  leftBehind(): number;
}
