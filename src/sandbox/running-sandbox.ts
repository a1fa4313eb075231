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
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Cgroup, CgroupUsage } from './cgroup/types.ts';
import { createExaminer } from './examiner.ts';
import { sandboxFault } from './faults.ts';
import { type OpenLoopback, openLoopback } from './loopback.ts';
import type { SandboxPolicy } from './policy.ts';
import type { RelayPlace } from './relay.ts';
import type { RuntimeDriver } from './runtime/types.ts';
import { type OpenServedPort, servePort } from './served-port.ts';
import type { RuntimeProcess } from './starter/types.ts';
import type { Sandbox, SandboxExit } from './types.ts';
import type { Violation } from './violations.ts';

export interface SandboxParts {
  readonly id: string;
  readonly process: RuntimeProcess;
  readonly driver: RuntimeDriver;
  readonly logFile: string;
  readonly cgroup: Cgroup;
  /** A folder of the sandbox's own on the host. */
  readonly bundleDir: string;
  /** An id of its range that no process inside has. */
  readonly ownerId: number;
  readonly policy: SandboxPolicy;
  /** Of one that may reach something: settles when everything that it was refused so far has been told. */
  readonly refusalsTold?: (() => Promise<void>) | undefined;
  /** Reports what the kernel has written of it and others to its log; absent where there is no LSM. */
  readonly hearKernel?: (() => void) | undefined;
  /** Hears each violation of it that its counters and its end tell. */
  readonly onViolation: (violation: Violation) => void;
  /** Removes runtime state, cgroup, bundle and id range. Called once, after everything in it is dead. */
  readonly remove: () => Promise<void>;
}

export function superviseSandbox(parts: SandboxParts): Sandbox {
  const { id, process, cgroup } = parts;
  const streams = streamsOf(parts);
  let isKilled = false;
  let hasEnded = false;
  let lastUsage: CgroupUsage | undefined;
  let destruction: Promise<void> | undefined;
  const ports: OpenLoopback[] = [];
  const served: OpenServedPort[] = [];
  const examiner = createExaminer(parts);

  const exited = process.exited.then(async ([code, signal]): Promise<SandboxExit> => {
    hasEnded = true;
    lastUsage = cgroup.usage();
    const exit = describeExit(parts, code, signal, lastUsage.oomKills, isKilled);
    examiner.end(exit);
    return exit;
  });
  const removed = exited.then(async () => {
    // Their relay is in the group, and can't end while that is frozen.
    if (served.length > 0) await cgroup.kill();
    await Promise.all([...ports, ...served].map((port) => port.close()));
    await parts.remove();
  });
  if (parts.driver.joinsCgroup) endAtFirstOomKill(parts, exited);
  // Whoever calls destroy() is told; a removal that nobody waits for must not end Ward.
  removed.catch(() => {});

  async function end(): Promise<void> {
    isKilled ||= !hasEnded;
    await cgroup.kill();
    // The runtime may not have put anything into the group yet.
    if (!hasEnded) process.kill();
    await exited;
    await removed;
  }
  const destroy = () => (destruction ??= end());
  const assertAlive = () => {
    if (hasEnded) throw sandboxFault('SANDBOX_ENDED', `sandbox ${id} has ended`);
  };
  return {
    id,
    ...streams,
    exited,
    async freeze() {
      assertAlive();
      for (const port of served) port.shut();
      await cgroup.freeze();
    },
    async thaw() {
      assertAlive();
      for (const port of served) port.reopen();
      await cgroup.thaw();
    },
    async usage() {
      return lastUsage ?? cgroup.usage();
    },
    cpuUsec: () => lastUsage?.cpuUsec ?? cgroup.cpuUsec(),
    standBack(isBehind) {
      if (!hasEnded) cgroup.weigh(isBehind ? 'idle' : parts.policy.cpuWeight);
    },
    examine: examiner.examine,
    refusalsTold: parts.refusalsTold,
    openPort(port) {
      const opened = openLoopback({ port, ...relayPlace(parts, `port-${port}`, () => hasEnded) });
      ports.push(opened);
      return opened;
    },
    servePort(request) {
      const place = relayPlace(parts, `served-${request.port}`, () => hasEnded);
      // Kept, it would refuse its connections to all later calls. The kernel may have ended it when memory ran out.
      const onLost = () => void cgroup.kill().catch(() => {});
      const opened = servePort({ ...request, ...place, account: (pid) => cgroup.add(pid), onLost });
      served.push(opened);
      return opened;
    },
    destroy,
    [Symbol.asyncDispose]: destroy,
  };
}

function relayPlace(parts: SandboxParts, folder: string, hasEnded: () => boolean): RelayPlace {
  const { driver, cgroup, bundleDir, ownerId } = parts;
  if (driver.ownsNetwork) {
    throw sandboxFault('PORT_UNREACHABLE', `${driver.name} keeps the network of its sandboxes to itself`, {
      hint: 'run it under crun or runc',
    });
  }
  return { pids: () => cgroup.pids(), hasEnded, dir: join(bundleDir, folder), ownerId };
}

/**
 * A runtime with a kernel of its own is several processes on the host. Version 1 may kill one of them and leave
 * the rest waiting for it for ever, so the whole group is ended then. (Version 2 kills a group as one.)
 */
function endAtFirstOomKill({ cgroup, process }: SandboxParts, exited: Promise<unknown>): void {
  const timer = setInterval(() => {
    if (cgroup.usage().oomKills === 0) return;
    clearInterval(timer);
    void cgroup.kill().then(() => process.kill());
  }, 200);
  timer.unref();
  void exited.then(() => clearInterval(timer));
}

interface SandboxStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly channel: Duplex | undefined;
}

function streamsOf({ process: { stdin, stdout, stderr, channel } }: SandboxParts): SandboxStreams {
  // A sandbox may close its ends at any time; an unheard 'error' event would end Ward.
  for (const stream of [stdin, stdout, stderr, channel]) stream?.on('error', () => {});
  return { stdin, stdout, stderr, channel };
}

function describeExit(
  parts: SandboxParts,
  code: number | null,
  runtimeSignal: NodeJS.Signals | null,
  oomKills: number,
  killed: boolean,
): SandboxExit {
  const signal = runtimeSignal ?? signalOf(code);
  return {
    code,
    signal,
    outOfMemory: oomKills > 0,
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
