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
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cgroup, CgroupUsage } from './cgroup/types.ts';
import { sandboxFault } from './faults.ts';
import { startWayIn } from './loopback.ts';
import type { SandboxPolicy } from './policy.ts';
import { makeRelayFolder, type RelayPlace } from './relay.ts';
import type { RuntimeDriver } from './runtime/types.ts';
import type { RuntimeProcess } from './runtime-process.ts';
import { startServing } from './served-port.ts';
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
  const { id, process, cgroup } = parts;
  let isKilled = false;
  let hasEnded = false;
  let hasTooManySockets = false;
  let lastUsage: CgroupUsage | undefined;
  let destruction: Promise<void> | undefined;
  const relays: { end(): Promise<void> }[] = [];
  let isServing = false;

  const onExcess = (why: string) => {
    hasTooManySockets = true;
    parts.onViolation?.(violation('oom', why));
    void cgroup.kill().catch(() => {});
  };
  // A network of a kernel of its own is in the memory of that kernel.
  const watch = parts.driver.ownsNetwork
    ? undefined
    : parts.sockets?.add({ pids: () => cgroup.pids(), onExcess });
  const exited = process.exited.then(async ([code, signal]): Promise<SandboxExit> => {
    hasEnded = true;
    lastUsage = usageAtEnd(cgroup);
    watch?.[Symbol.dispose]();
    parts.hearKernel?.();
    const isOutOfMemory = lastUsage.oomKills > 0 || hasTooManySockets;
    return describeExit(parts, code, signal, isOutOfMemory, isKilled);
  });
  const removed = exited.then(async () => {
    // Its relay is in the group, and can't end while that is frozen.
    if (isServing) await killInTime(cgroup);
    await Promise.all(relays.map((relay) => relay.end()));
    await parts.remove();
  });
  if (parts.driver.joinsCgroup) endAtFirstOomKill(parts, exited);
  // Whoever calls destroy() is told; a removal that nobody waits for must not end Ward.
  removed.catch(() => {});

  async function end(): Promise<void> {
    isKilled ||= !hasEnded;
    await killInTime(cgroup);
    // The runtime may not have put anything into the group yet.
    if (!hasEnded) process.kill();
    await exited;
    await removed;
  }
  const destroy = () =>
    (destruction ??= end().catch((error: unknown) => {
      // Asked again, it tries again.
      destruction = undefined;
      throw error;
    }));
  const place = (folder: string) => relayPlace(parts, folder, () => hasEnded);
  return {
    id,
    exited,
    removed,
    hasEnded: () => hasEnded,
    freeze: () => cgroup.freeze(),
    thaw: () => cgroup.thaw(),
    usage: () => lastUsage ?? cgroup.usage(),
    cpuUsec: () => lastUsage?.cpuUsec ?? cgroup.cpuUsec(),
    standBack(isBehind) {
      if (!hasEnded) cgroup.weigh(isBehind ? 'idle' : parts.policy.cpuWeight);
    },
    refusals: () => cgroup.refusals(),
    hearKernel: parts.hearKernel,
    refusalsTold: parts.refusalsTold,
    checkPorts: () => refuseOwnNetwork(parts.driver),
    async wayIn(port) {
      const wayIn = await startWayIn(place(`port-${port}`), port);
      relays.push(wayIn);
      if (hasEnded) await wayIn.end();
      return wayIn;
    },
    portFolder: (port) => makeRelayFolder(place(`served-${port}`), 'entered'),
    async serve({ port, connections }) {
      isServing = true;
      const relay = await startServing(place(`served-${port}`), { port, connections }, (pid) =>
        cgroup.add(pid),
      );
      relays.push(relay);
      // Kept, it would refuse its connections to all later calls. The kernel may have ended it when memory ran out.
      void relay.ended.then(() => (hasEnded ? undefined : cgroup.kill().catch(() => {})));
      if (hasEnded) await relay.end();
    },
    lend: (userId) => cgroup.lend(userId),
    destroy,
  };
}

/** @throws Fault PORT_UNREACHABLE */
export function refuseOwnNetwork(driver: Pick<RuntimeDriver, 'name' | 'ownsNetwork'>): void {
  if (!driver.ownsNetwork) return;
  throw sandboxFault('PORT_UNREACHABLE', `${driver.name} keeps the network of its sandboxes to itself`, {
    hint: 'run it under crun or runc',
  });
}

function relayPlace(parts: SandboxParts, folder: string, hasEnded: () => boolean): RelayPlace {
  refuseOwnNetwork(parts.driver);
  const { cgroup, bundleDir, ownerId, userId = 0 } = parts;
  return { pids: () => cgroup.pids(), hasEnded, dir: join(bundleDir, folder), ownerId, userId };
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
