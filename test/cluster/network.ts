/**
 * Network namespaces for the nodes of a cluster, joined by a bridge in the namespace of this process. A node whose line
 * is down hears no one and is heard by no one, as if its cable were out.
 *
 *   this process, PostgreSQL, NATS, moto     10.77.0.1 on the bridge
 *     ├ line1 ─ node 1   10.77.0.11
 *     └ line2 ─ node 2   10.77.0.12
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { mustRun, startCommand } from '../../src/lib/index.ts';

/** Address of the engines. */
export const hubAddress = '10.77.0.1';
const bridge = 'ward-hub';
const prefix = 24;

export interface Line {
  readonly address: string;
  /** Words that start a command in the namespace. */
  readonly through: readonly string[];
  cut(): Promise<void>;
  join(): Promise<void>;
}

export interface Network extends AsyncDisposable {
  /** Adds a namespace. */
  addNode(): Promise<Line>;
}

/** The process must be in a network namespace of its own. */
export async function openNetwork(): Promise<Network> {
  if (hasNetworkOf(1)) throw new Error('the network of a cluster needs a namespace of its own');
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', bridge, 'type', 'bridge');
  await ip('address', 'add', `${hubAddress}/${prefix}`, 'dev', bridge);
  await ip('link', 'set', bridge, 'up');
  const holders: ChildProcess[] = [];
  return {
    async addNode() {
      const holder = startCommand(['unshare', '--net', '--', 'sleep', 'infinity'], {
        stdio: 'ignore',
        detached: true,
      });
      holders.push(holder);
      const pid = holder.pid ?? 0;
      while (hasNetworkOf(pid)) await pause(5);
      return await connect(pid, holders.length);
    },
    async [Symbol.asyncDispose]() {
      for (const holder of holders) {
        const ended = once(holder, 'exit');
        holder.kill('SIGKILL');
        await ended;
      }
      await ip('link', 'delete', bridge);
    },
  };
}

async function connect(pid: number, number: number): Promise<Line> {
  const line = `line${number}`;
  const address = `10.77.0.${10 + number}`;
  const through = ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];
  const inside = async (...words: string[]) => void (await mustRun([...through, 'ip', ...words]));
  await ip('link', 'add', line, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
  await inside('link', 'set', 'lo', 'up');
  await inside('address', 'add', `${address}/${prefix}`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  await ip('link', 'set', line, 'master', bridge, 'up');
  return {
    ...{ address, through },
    cut: () => ip('link', 'set', line, 'down'),
    join: () => ip('link', 'set', line, 'up'),
  };
}

async function ip(...words: string[]): Promise<void> {
  await mustRun(['ip', ...words]);
}

function hasNetworkOf(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net');
}
