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
  /** A folder of the sandbox's own on the host. */
  readonly bundleDir: string;
  /** An id of its range that no process inside has. */
  readonly ownerId: number;
  /** The user that its ports are for; absent: root. */
  readonly userId?: number | undefined;
  readonly policy: SandboxPolicy;
  /** Of one that may reach something: settles when everything that it was refused so far has been told. */
  readonly refusalsTold?: (() => Promise<void>) | undefined;
  /** Reports what the kernel has written of it and others to its log; absent where there is no LSM. */
  readonly hearKernel?: (() => void) | undefined;
  /** Absent: their number is not bounded. */
  readonly sockets?: SocketWatch;
  /** Hears what is found while it runs. */
  readonly onViolation?: (violation: Violation) => void;
  /** Removes runtime state, cgroup, bundle and id range. Called once, after everything in it is dead. */
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
    refusalsTold: parts.refusalsTold,
    checkPorts: () => refuseOwnNetwork(parts.driver),
    wayIn: (port) => ports.wayIn(port),
    portFolder: (port) => ports.folder(port),
    serve: (served) => ports.serve(served),
    lend: (userId) => cgroup.lend(userId),
    destroy: () => life.destroy(),
  };
}

/** Sees to it that the sandbox ends whole, and once, whoever ends it. */
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
    // destroy() hands the error to its caller; a removal that nobody waits for must not end Ward.
    this.removed.catch(() => {});
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What it had used when it ended; undefined while it runs. */
  get lastUsage(): CgroupUsage | undefined {
    return this.#lastUsage;
  }

  destroy(): Promise<void> {
    this.#destruction ??= this.#end().catch((error: unknown) => {
      // The next call tries again.
      this.#destruction = undefined;
      throw error;
    });
    return this.#destruction;
  }

  async #end(): Promise<void> {
    const { cgroup, process } = this.#parts;
    this.#isKilled ||= !this.#hasEnded;
    await killInTime(cgroup);
    // The runtime may not have put anything into the group yet.
    if (!this.#hasEnded) process.kill();
    await this.exited;
    await this.removed;
  }

  #watchSockets(): Disposable | undefined {
    const { driver, sockets, cgroup } = this.#parts;
    // The memory of a kernel of its own holds that kernel's network, too.
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
    return describeExit(this.#parts, code, signal, isOutOfMemory, this.#isKilled);
  }

  async #remove(): Promise<void> {
    // A relay in the group can't end while the group is frozen.
    if (this.ports.isServing) await killInTime(this.#parts.cgroup);
    await this.ports.end();
    await this.#parts.remove();
  }
}

/**
 * A runtime with a kernel of its own is several processes on the host. Version 1 may kill one of them and leave
 * the rest waiting for it for ever, so the whole group is ended then. (Version 2 kills a group as one.)
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
  return signal === null ? driver.errorIn(readLog(logFile)) : `the runtime itself was ended by ${signal}`;
}

/** Runtimes answer 128 + n when the program was ended by signal n. */
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

/** A disk or a descriptor that fails for a moment must not let a program live. */
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

/** A dead process that nobody has waited for yet is still counted, and is not left: its runtime was killed, too. */
function usageAtEnd(cgroup: Pick<Cgroup, 'usage' | 'pids'>): CgroupUsage {
  const usage = lastUsageOf(cgroup);
  return usage.pids === 0 ? usage : { ...usage, pids: cgroup.pids().length };
}

/** Its end is to be told even by a process that has no descriptor left to read counters by. */
function lastUsageOf(cgroup: Pick<Cgroup, 'usage'>): CgroupUsage {
  try {
    return cgroup.usage();
  } catch {
    return { memoryBytes: 0, memoryPeakBytes: 0, cpuUsec: 0, pids: 0, oomKills: 0, refusedForks: 0 };
  }
}
