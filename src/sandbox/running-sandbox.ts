/**
 * One sandbox from spawn to removal.
 *
 *   starting/running ──the runtime process ends──▶ evidence read ──▶ `exited` settles ──▶ removed
 *          └──────────── destroy(): thaw, kill, wait ──────────┘
 *
 * Evidence (out of memory, usage) is read from the cgroup after the runtime has ended and before the cgroup is
 * removed. Removal follows every end, asked for or not, and happens once.
 */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WayOut } from '../egress/index.ts';
import type { Cgroup, CgroupUsage } from './cgroup/types.ts';
import type { SandboxPolicy } from './policy.ts';
import type { RuntimeDriver } from './runtime/types.ts';
import type { RuntimeProcess } from './runtime-process.ts';
import { refuseOwnNetwork, SandboxPorts } from './sandbox-ports.ts';
import type { SocketWatch } from './socket-watch.ts';
import type { MadeSandbox, SandboxExit } from './types.ts';
import { type Violation, violation } from './violations.ts';

interface SandboxParts {
  readonly id: string;
  readonly process: RuntimeProcess;
  readonly driver: RuntimeDriver;
  readonly logFile: string;
  readonly cgroup: Cgroup;
  /** A folder for this sandbox on the host. */
  readonly bundleDir: string;
  /** An id of its range that no process inside has. */
  readonly ownerId: number;
  /** The user that may connect to its ports; absent: root. */
  readonly userId?: number | undefined;
  readonly policy: SandboxPolicy;
  /** For a sandbox with egress rules. */
  readonly wayOut?: Pick<WayOut, 'told' | 'traffic' | 'look'> | undefined;
  /** Reports the kernel's log lines about this sandbox and others; absent where no LSM is active. */
  readonly hearKernel?: (() => void) | undefined;
  /** Absent: the number of sockets is not limited. */
  readonly sockets?: SocketWatch;
  /** Receives violations while the sandbox runs. */
  readonly onViolation?: (violation: Violation) => void;
  /** Removes runtime state, cgroup, bundle and id range. Called once, when no process of the sandbox is left. */
  readonly remove: () => Promise<void>;
}

export function superviseSandbox(parts: SandboxParts): MadeSandbox {
  const { cgroup } = parts;
  const life = new SandboxLife(parts);
  const { exited, removed, ports } = life;
  return {
    id: parts.id,
    exited,
    removed,
    hasEnded: () => life.hasEnded,
    freeze: () => cgroup.freeze(),
    thaw: () => cgroup.thaw(),
    usage: () => life.lastUsage ?? cgroup.usage(),
    cpuUsec: () => life.lastUsage?.cpuUsec ?? cgroup.cpuUsec(),
    standBack(isBehind) {
      if (!life.hasEnded) cgroup.weigh(isBehind ? 'idle' : parts.policy.cpuWeight);
    },
    refusals: () => cgroup.refusals(),
    hearKernel: parts.hearKernel,
    refusalsTold: tellingRefusals(parts),
    checkPorts: () => refuseOwnNetwork(parts.driver),
    wayIn: (port) => ports.wayIn(port),
    portFolder: (port) => ports.folder(port),
    serve: (served) => ports.serve(served),
    lend: (userId) => cgroup.lend(userId),
    destroy: () => life.destroy(),
  };
}

function tellingRefusals({ wayOut }: SandboxParts): MadeSandbox['refusalsTold'] {
  if (wayOut === undefined) return undefined;
  return async () => {
    await wayOut.told();
    return wayOut.traffic();
  };
}

/** Ends the sandbox completely and once, even if several causes end it. */
class SandboxLife {
  readonly ports: SandboxPorts;
  readonly exited: Promise<SandboxExit>;
  readonly removed: Promise<void>;
  readonly #parts: SandboxParts;
  readonly #watch: Disposable | undefined;
  #isKilled = false;
  #hasEnded = false;
  #hasTooManySockets = false;
  #lastUsage: CgroupUsage | undefined;
  #destruction: Promise<void> | undefined;

  constructor(parts: SandboxParts) {
    this.#parts = parts;
    this.ports = new SandboxPorts(parts, () => this.#hasEnded);
    this.#watch = this.#watchSockets();
    this.exited = parts.process.exited.then(([code, signal]) => this.#readEvidence(code, signal));
    this.removed = this.exited.then(() => this.#remove());
    if (parts.driver.joinsCgroup) endAtFirstOomKill(parts, this.exited);
    // destroy() gives its caller the error; a failed removal that no one waits for must not end Ward.
    this.removed.catch(() => {});
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Its usage when it ended; undefined while it runs. */
  get lastUsage(): CgroupUsage | undefined {
    return this.#lastUsage;
  }

  destroy(): Promise<void> {
    this.#destruction ??= this.#end().catch((error: unknown) => {
      // Let the next call try again.
      this.#destruction = undefined;
      throw error;
    });
    return this.#destruction;
  }

  async #end(): Promise<void> {
    const { cgroup, process, wayOut } = this.#parts;
    this.#isKilled ||= !this.#hasEnded;
    // The uplink ends with the sandbox.
    if (!this.#hasEnded) wayOut?.look();
    await killInTime(cgroup);
    // The group may still be empty.
    if (!this.#hasEnded) process.kill();
    await this.exited;
    this.#countLeft();
    await this.removed;
  }

  /** The runtime can end a moment before the processes that it has started. */
  #countLeft(): void {
    const usage = this.#lastUsage;
    if (!this.#isKilled || usage === undefined || usage.pids === 0) return;
    this.#lastUsage = { ...usage, pids: this.#parts.cgroup.pids().length };
  }

  #watchSockets(): Disposable | undefined {
    const { driver, sockets, cgroup } = this.#parts;
    // A runtime with its own kernel keeps network buffers in that kernel's memory, which is limited.
    if (driver.ownsNetwork) return undefined;
    return sockets?.add({ pids: () => cgroup.pids(), onExcess: (why) => this.#endForSockets(why) });
  }

  #endForSockets(why: string): void {
    this.#hasTooManySockets = true;
    this.#parts.onViolation?.(violation('oom', why));
    void this.#parts.cgroup.kill().catch(() => {});
  }

  async #readEvidence(code: number | null, signal: NodeJS.Signals | null): Promise<SandboxExit> {
    this.#hasEnded = true;
    const usage = usageAtEnd(this.#parts.cgroup);
    this.#lastUsage = usage;
    this.#watch?.[Symbol.dispose]();
    this.#parts.hearKernel?.();
    const isOutOfMemory = usage.oomKills > 0 || this.#hasTooManySockets;
    const exit = describeExit(this.#parts, code, signal, isOutOfMemory, this.#isKilled);
    const { wayOut } = this.#parts;
    return wayOut === undefined ? exit : { ...exit, traffic: wayOut.traffic() };
  }

  async #remove(): Promise<void> {
    // A relay in the group can't end while the group is frozen.
    if (this.ports.isServing) await killInTime(this.#parts.cgroup);
    await this.ports.end();
    await this.#parts.remove();
  }
}

/**
 * A runtime with its own kernel consists of several processes on the host. Under version 1 the kernel may kill one of
 * them and leave the others waiting for it forever, so Ward ends the whole group. (Version 2 kills a group as a whole.)
 */
function endAtFirstOomKill({ cgroup, process }: SandboxParts, exited: Promise<unknown>): void {
  const timer = setInterval(() => {
    if (lastUsageOf(cgroup).oomKills === 0) return;
    clearInterval(timer);
    killInTime(cgroup)
      .catch(() => {})
      .finally(() => process.kill());
  }, 200);
  timer.unref();
  void exited.then(() => clearInterval(timer));
}

function describeExit(
  parts: SandboxParts,
  code: number | null,
  runtimeSignal: NodeJS.Signals | null,
  outOfMemory: boolean,
  killed: boolean,
): SandboxExit {
  const signal = runtimeSignal ?? signalOf(code);
  return {
    code,
    signal,
    outOfMemory,
    seccompKill: signal === 'SIGSYS' && !killed,
    killed,
    runtimeError: killed || code === 0 ? '' : runtimeErrorOf(parts, runtimeSignal),
  };
}

function runtimeErrorOf({ driver, logFile }: SandboxParts, signal: NodeJS.Signals | null): string {
  return signal === null ? driver.errorIn(readLog(logFile)) : `the runtime itself was killed by ${signal}`;
}

/** Runtimes exit with 128 + n when signal n ended the program. */
function signalOf(code: number | null): NodeJS.Signals | null {
  if (code === null || code <= 128) return null;
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === code - 128 && isSignal(name)) return name;
  }
  return null;
}

function isSignal(name: string): name is NodeJS.Signals {
  return Object.hasOwn(constants.signals, name);
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, 16384);
  } catch {
    return '';
  }
}

const killPatienceMs = 10_000;

/** Tries again for a while: a temporary failure of a disk or a descriptor must not keep a program alive. */
async function killInTime(cgroup: Pick<Cgroup, 'kill'>): Promise<void> {
  const end = performance.now() + killPatienceMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(500, 2 * pauseMs)) {
    try {
      return await cgroup.kill();
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await sleep(pauseMs);
  }
}

/** The usage with living processes only. The kernel still counts a dead process until its parent has waited for it. */
function usageAtEnd(cgroup: Pick<Cgroup, 'usage' | 'pids'>): CgroupUsage {
  const usage = lastUsageOf(cgroup);
  return usage.pids === 0 ? usage : { ...usage, pids: cgroup.pids().length };
}

/**
 * Reads the last usage, or zeros: a sandbox's end must be reported even if there is no descriptor left to read its
 * counters.
 */
function lastUsageOf(cgroup: Pick<Cgroup, 'usage'>): CgroupUsage {
  try {
    return cgroup.usage();
  } catch {
    return { memoryBytes: 0, memoryPeakBytes: 0, cpuUsec: 0, pids: 0, oomKills: 0, refusedForks: 0 };
  }
}
