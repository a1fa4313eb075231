/**
 * A sandbox as the server sees it. The keeper starts and ends it; the server reads its counters, and freezes and weighs
 * it with the files that the keeper lends.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cgroup,
  type RuntimeStreams,
  refuseOwnNetwork,
  runtimeDrivers,
  type SandboxExit,
  type SandboxPolicy,
  type SandboxUsage,
  type SupervisedSandbox,
} from '../sandbox/index.ts';
import { openLentFreezer } from './lent-freezer.ts';
import type { KeeperLink } from './link.ts';

interface KeptParts {
  readonly link: KeeperLink;
  readonly id: string;
  readonly policy: Pick<SandboxPolicy, 'runtime' | 'cpuWeight' | 'egress'>;
  readonly cgroup: Pick<Cgroup, 'freeze' | 'thaw' | 'weigh' | 'usage' | 'cpuUsec' | 'refusals'>;
  readonly streams: RuntimeStreams;
}

/** Time between attempts; a runtime makes its control groups within milliseconds. */
const lookAgainMs = 100;

export function keptSandbox(parts: KeptParts): SupervisedSandbox {
  const { link, id, policy, cgroup } = parts;
  const { exited, lastUsage, lossOf } = hearNews(parts);
  const hasEnded = () => lastUsage() !== undefined;
  const lend = borrowing(link, id);
  const freezer = openLentFreezer(lend, cgroup);
  const hearsRefusals = policy.egress !== undefined || link.hello.hearsKernel;
  const told = async () => (await link.ask('told', { sandbox: id })).traffic;
  return {
    id,
    exited,
    hasEnded,
    freeze: freezer.freeze,
    thaw: freezer.thaw,
    usage: () => lastUsage() ?? cgroup.usage(),
    cpuUsec: () => lastUsage()?.cpuUsec ?? cgroup.cpuUsec(),
    standBack: weighing(parts, lend, hasEnded),
    refusals: () => cgroup.refusals(),
    ...(hearsRefusals ? { refusalsTold: told } : {}),
    checkPorts: () => refuseOwnNetwork(runtimeDrivers[policy.runtime]),
    async wayIn(port) {
      const loss = lossOf(port);
      const { path } = await link.ask('wayIn', { sandbox: id, port });
      return { path, ...loss };
    },
    portFolder: async (port) => (await link.ask('portFolder', { sandbox: id, port })).path,
    async serve({ port, connections }) {
      await link.ask('serve', { sandbox: id, port, connections });
    },
    destroy: destroying(link, id, freezer.release),
  };
}

interface News {
  readonly exited: Promise<SandboxExit>;
  /** Undefined until the sandbox has ended. */
  lastUsage(): SandboxUsage | undefined;
  /** The end of a way in, and the reason. */
  lossOf(port: number): { readonly ended: Promise<void>; said(): string | undefined };
}

function hearNews({ link, id, streams }: KeptParts): News {
  const exited = Promise.withResolvers<SandboxExit>();
  const lost = new Map<number, (why: string) => void>();
  let lastUsage: SandboxUsage | undefined;
  link.watch(id, {
    ended(exit, usage) {
      lastUsage = usage;
      drain(streams);
      exited.resolve(exit);
    },
    lost: (port, why) => lost.get(port)?.(why),
  });
  return {
    exited: exited.promise,
    lastUsage: () => lastUsage,
    lossOf(port) {
      const { promise: ended, resolve } = Promise.withResolvers<void>();
      let said: string | undefined;
      lost.set(port, (why) => {
        said ??= why;
        resolve();
      });
      return { ended, said: () => said };
    },
  };
}

/** Requests the files until they are lent: the sandbox's control group may not exist at first. */
function borrowing(link: KeeperLink, id: string): () => Promise<boolean> {
  let lending: Promise<boolean> | undefined;
  return async () => {
    lending ??= link.ask('lend', { sandbox: id }).then(({ isLent }) => isLent);
    try {
      const isLent = await lending;
      if (!isLent) lending = undefined;
      return isLent;
    } catch (error) {
      lending = undefined;
      throw error;
    }
  };
}

/** Applies the last weight requested, once the sandbox's control group exists. */
function weighing(
  { policy, cgroup }: KeptParts,
  lend: () => Promise<boolean>,
  hasEnded: () => boolean,
): SupervisedSandbox['standBack'] {
  let standsBack = false;
  const weigh = async (isBehind: boolean): Promise<void> => {
    while (!(await lend())) {
      if (hasEnded() || standsBack !== isBehind) return;
      await sleep(lookAgainMs, undefined, { ref: false });
    }
    if (hasEnded() || standsBack !== isBehind) return;
    cgroup.weigh(isBehind ? 'idle' : policy.cpuWeight);
  };
  return (isBehind) => {
    standsBack = isBehind;
    // This fails for a sandbox that has just ended.
    weigh(isBehind).catch(() => {});
  };
}

/** Destroys the sandbox; after a failure, the next call tries again. */
function destroying(link: KeeperLink, id: string, release: () => void): () => Promise<void> {
  let destruction: Promise<void> | undefined;
  const destroy = async (): Promise<void> => {
    release();
    try {
      await link.ask('destroy', { sandbox: id });
    } catch (error) {
      // Everything that the keeper made ends with the keeper.
      if (!link.isOver()) throw error;
    }
  };
  return () =>
    (destruction ??= destroy().catch((error: unknown) => {
      destruction = undefined;
      throw error;
    }));
}

/** Drains what no one reads, so that the streams can end. */
function drain({ stdin, stdout, stderr, channel }: RuntimeStreams): void {
  stdin.destroy();
  for (const stream of [stdout, stderr, channel]) if (stream?.readableFlowing === null) stream.resume();
}
