/** Sandboxes for the server: it asks the keeper for them and connects their streams. */
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import {
  joinSandbox,
  type OperatorPolicy,
  openCgroupTree,
  policyFor,
  type RuntimeStreams,
  type SandboxHost,
  type SandboxOrder,
} from '../sandbox/index.ts';
import { keptSandbox } from './kept-sandbox.ts';
import { connectStreams } from './kept-streams.ts';
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
        // Start this sandbox first, then prepare the next one.
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
    memoryBytes: tree.memoryBytes,
    leftBehind: () => link.leftBehind,
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
  // The server reads nothing from it, but has to notice its end.
  stdin.resume();
  return { stdin, stdout, stderr, channel };
}
