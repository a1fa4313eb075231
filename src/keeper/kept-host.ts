/**
 * Sandboxes for the server, which asks the keeper for them. The server reads and writes their streams directly; it also
 * reads their counters, and writes the files that freeze and weigh them, which the keeper lends.
 */
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cgroup,
  joinSandbox,
  type OperatorPolicy,
  openCgroupTree,
  policyFor,
  type RuntimeStreams,
  refuseOwnNetwork,
  runtimeDrivers,
  type SandboxExit,
  type SandboxHost,
  type SandboxOrder,
  type SandboxPolicy,
  type SandboxUsage,
  type SupervisedSandbox,
} from '../sandbox/index.ts';
import { connectStreams } from './kept-streams.ts';
import { openLentFreezer } from './lent-freezer.ts';
import type { KeeperLink } from './link.ts';
import { openReadyStreams } from './ready-streams.ts';
import type { KeeperOrder } from './wire.ts';

export function openKeptHost(link: KeeperLink, operator: OperatorPolicy): SandboxHost {
  const { cgroup, instance, door } = link.hello;
  const tree = openCgroupTree({ ...cgroup, controllers: new Map(cgroup.controllers) }, instance);
  const ready = openReadyStreams(link);
  return {
    async start(order) {
      const policy = policyFor(order.ask, operator);
      const hasChannel = order.channel === 'channel';
      const prepared = hasChannel ? ready.take() : undefined;
      const run = link.nextId();
      const streams = namedStreams(prepared?.streams ?? connectStreams(door, run, hasChannel ? 4 : 3));
      try {
        const how = prepared === undefined ? {} : { ready: prepared.run };
        const { sandbox: id } = await link.ask('start', { order: orderOf(order), ...how }, run);
        // Only now: this one's start comes first.
        if (hasChannel) ready.make();
        const supervised = keptSandbox({ link, id, policy, cgroup: tree.group(id), streams });
        const onViolation = (violation: Parameters<typeof link.onViolation>[1]) =>
          link.onViolation(id, violation);
        return joinSandbox(supervised, streams, { policy, onViolation });
      } catch (error) {
        for (const stream of Object.values(streams)) stream?.destroy();
        throw error;
      }
    },
    async checkPolicy(ask) {
      await link.ask('check', { ask });
    },
  };
}

function orderOf({ rootDir, codeDir, ...rest }: SandboxOrder): KeeperOrder {
  const { args, env, cwd, channel, ask, tenant } = rest;
  const code = codeDir === undefined ? {} : { code: basename(codeDir) };
  return {
    root: basename(rootDir),
    ...code,
    args: [...args],
    env: { ...env },
    cwd,
    channel,
    ask,
    ...(tenant === undefined ? {} : { tenant }),
  };
}

function namedStreams(streams: readonly Socket[]): RuntimeStreams {
  const [stdin, stdout, stderr, channel] = streams as [Socket, Socket, Socket, Socket?];
  // The server reads nothing from it, but has to see its end.
  stdin.resume();
  return { stdin, stdout, stderr, channel };
}

/** A runtime makes its control groups within milliseconds. */
const lookAgainMs = 100;

interface KeptParts {
  readonly link: KeeperLink;
  readonly id: string;
  readonly policy: SandboxPolicy;
  readonly cgroup: Cgroup;
  readonly streams: RuntimeStreams;
}

function keptSandbox({ link, id, policy, cgroup, streams }: KeptParts): SupervisedSandbox {
  const exited = Promise.withResolvers<SandboxExit>();
  const lost = new Map<number, PromiseWithResolvers<string>>();
  let lastUsage: SandboxUsage | undefined;
  let lending: Promise<boolean> | undefined;
  let standsBack = false;
  let destruction: Promise<void> | undefined;
  const hasEnded = () => lastUsage !== undefined;
  link.watch(id, {
    ended(exit, usage) {
      lastUsage = usage;
      letGo(streams);
      exited.resolve(exit);
    },
    lost: (port, why) => lost.get(port)?.resolve(why),
  });
  void link.ended.then(() => {
    // Everything that the keeper made ends with it.
    lastUsage ??= { memoryBytes: 0, memoryPeakBytes: 0, cpuUsec: 0, pids: 0, oomKills: 0, refusedForks: 0 };
    exited.resolve(keeperGone);
  });
  const destroy = async (): Promise<void> => {
    try {
      await link.ask('destroy', { sandbox: id });
    } catch (error) {
      // Everything that the keeper made ends with it.
      if (!link.isOver()) throw error;
    }
  };
  const lend = async (): Promise<boolean> => {
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
  /** As was wished last, once there is something to be weighed. */
  const weigh = async (isBehind: boolean): Promise<void> => {
    while (!(await lend())) {
      if (hasEnded() || standsBack !== isBehind) return;
      await sleep(lookAgainMs, undefined, { ref: false });
    }
    if (hasEnded() || standsBack !== isBehind) return;
    cgroup.weigh(isBehind ? 'idle' : policy.cpuWeight);
  };
  const freezer = openLentFreezer(lend, cgroup);
  const hearsRefusals = policy.egress !== undefined || link.hello.hearsKernel;
  return {
    id,
    exited: exited.promise,
    hasEnded,
    freeze: freezer.freeze,
    thaw: freezer.thaw,
    usage: () => lastUsage ?? cgroup.usage(),
    cpuUsec: () => lastUsage?.cpuUsec ?? cgroup.cpuUsec(),
    standBack(isBehind) {
      standsBack = isBehind;
      // One that has just ended has nothing to be weighed.
      weigh(isBehind).catch(() => {});
    },
    refusals: () => cgroup.refusals(),
    ...(hearsRefusals
      ? {
          refusalsTold: async () => {
            await link.ask('told', { sandbox: id });
          },
        }
      : {}),
    checkPorts: () => refuseOwnNetwork(runtimeDrivers[policy.runtime]),
    async wayIn(port) {
      const ended = Promise.withResolvers<string>();
      let said: string | undefined;
      lost.set(port, ended);
      const { path } = await link.ask('wayIn', { sandbox: id, port });
      const gone = ended.promise.then((why) => {
        said = why;
      });
      return { path, said: () => said, ended: gone };
    },
    portFolder: async (port) => (await link.ask('portFolder', { sandbox: id, port })).path,
    async serve({ port, connections }) {
      await link.ask('serve', { sandbox: id, port, connections });
    },
    destroy: () =>
      (destruction ??= destroy().catch((error: unknown) => {
        destruction = undefined;
        throw error;
      })),
  };
}

const keeperGone: SandboxExit = {
  ...{ code: null, signal: 'SIGKILL', outOfMemory: false, seccompKill: false, killed: true },
  runtimeError: 'the process that makes sandboxes has ended',
};

/** Drops what no reader takes, so that the streams can end. */
function letGo({ stdin, stdout, stderr, channel }: RuntimeStreams): void {
  stdin.destroy();
  for (const stream of [stdout, stderr, channel]) if (stream?.readableFlowing === null) stream.resume();
}
