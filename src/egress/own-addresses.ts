/**
 * Addresses of this host, where Ward's API and the owner's services listen: the resolver opens none of them. They come
 * from the kernel's local routes (`ip-route(8)`, types local, anycast and broadcast), which also cover devices without
 * a carrier and whole networks. Addresses of devices that are down are added, because they answer as soon as the device
 * is up. `ip monitor` reports each change.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { runCommand, startCommand } from '../lib/index.ts';
import { type Network, parseNetwork } from './networks.ts';
import { endOf, programEnv, unavailable } from './programs.ts';

export interface OwnAddresses {
  /** The latest state, some milliseconds behind the kernel. */
  read(): readonly Network[];
  /** Settles when the watch has ended, with the reason. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

const rules = z.array(
  z.object({ table: z.string().optional(), fwmark: z.unknown().optional(), iif: z.string().optional() }),
);
const routes = z.array(z.object({ dst: z.string(), table: z.string().default('main') }));
const links = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional() })) }));
/** Types of routes that end on this host, and the network that `default` stands for. */
const families = {
  '-4': { types: ['local', 'broadcast'], everything: '0.0.0.0/0' },
  '-6': { types: ['local', 'anycast'], everything: '::/0' },
} as const;

/**
 * Watches the network namespace that Ward runs in.
 * @param onChange Receives the addresses after each change. If it rejects, the watch ends.
 * @throws Fault EGRESS_UNAVAILABLE
 */
export async function watchOwnAddresses(
  onChange: (own: readonly Network[]) => Promise<void>,
): Promise<OwnAddresses> {
  const monitor = await startMonitor(() => void refresh());
  let known: readonly Network[] | undefined;
  let failure: unknown;
  let [isReading, isStale] = [false, false];
  const take = async () => {
    const now = await readOwnAddresses();
    const isNew = known !== undefined && textOf(now) !== textOf(known);
    known = now;
    if (isNew) await onChange(now);
  };
  const refresh = async () => {
    isStale = true;
    if (isReading) return;
    isReading = true;
    while (isStale) {
      isStale = false;
      // If a change can't be read or can't be applied to the packet filter, the new address might not be refused.
      await take().catch((error: unknown) => {
        failure = error;
        return monitor.end();
      });
    }
    isReading = false;
  };
  await refresh();
  const first = known;
  if (first === undefined) throw failure;
  return { read: () => known ?? first, ended: monitor.ended, end: monitor.end };
}

/** @throws Fault EGRESS_UNAVAILABLE */
async function readOwnAddresses(): Promise<readonly Network[]> {
  const [ipv4, ipv6, linkList] = await Promise.all([
    ownRoutes('-4'),
    existsSync('/proc/self/net/if_inet6') ? ownRoutes('-6') : [],
    ask(links, ['address', 'show']),
  ]);
  const addresses = linkList.flatMap(({ addr_info: list }) => list.map(({ local }) => local ?? ''));
  const texts = new Set([...ipv4, ...ipv6, ...addresses]);
  return [...texts].flatMap((text) => parseNetwork(text) ?? []);
}

/**
 * Routes of the tables in which packets without a mark are looked up. Other tables belong to proxies, which may claim
 * every address.
 */
async function ownRoutes(family: keyof typeof families): Promise<string[]> {
  const { types, everything } = families[family];
  const [ruleList, ...routeLists] = await Promise.all([
    ask(rules, [family, 'rule', 'show']),
    ...types.map((type) => ask(routes, [family, 'route', 'show', 'table', 'all', 'type', type])),
  ]);
  const isForAll = ({ fwmark, iif = 'lo' }: (typeof ruleList)[number]) =>
    fwmark === undefined && iif === 'lo';
  const tables = new Set(ruleList.filter(isForAll).map(({ table }) => table));
  return routeLists
    .flat()
    .filter(({ table }) => tables.has(table))
    .map(({ dst }) => (dst === 'default' ? everything : dst));
}

async function ask<Schema extends z.ZodType>(
  schema: Schema,
  args: readonly string[],
): Promise<z.output<Schema>> {
  const argv = ['ip', '-json', ...args];
  const options = { env: programEnv, timeoutMs: 20_000, maxOutputBytes: 64 * 1024 * 1024 };
  const { code, stdout, stderr } = await runCommand(argv, options);
  if (code !== 0) throw unavailable(`${argv.join(' ')}: ${stderr.slice(0, 300)}`);
  return schema.parse(JSON.parse(stdout === '' ? '[]' : stdout));
}

function textOf(addresses: readonly Network[]): string {
  return addresses.map(({ text }) => text).join(' ');
}

const patienceMs = 10_000;

/** Lines about addresses, rules and routes that end here; a host may have many other lines. */
const telling = /\b(?:inet6?|lookup|local|broadcast|anycast)\b/;

async function startMonitor(onChange: () => void): Promise<Omit<OwnAddresses, 'read'>> {
  const child = startCommand(['ip', 'monitor', 'route', 'address', 'rule'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: programEnv,
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (telling.test(line)) onChange();
    });
  }
  // ip complains here when it has lost messages (ENOBUFS).
  child.stderr?.on('data', onChange);
  const ended = endOf(child);
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const patience = performance.now() + patienceMs;
  while (!(await isListening(child.pid))) {
    if (child.exitCode === null && performance.now() < patience) await sleep(2);
    else {
      await end();
      throw unavailable('ip monitor reports no changes');
    }
  }
  return { ended, end };
}

/**
 * Whether its socket has joined a group: from then on it misses nothing. Columns are those of netlink's file in
 * proc(5).
 */
async function isListening(pid: number | undefined): Promise<boolean> {
  const sockets = await readFile(`/proc/${pid}/net/netlink`, 'utf8').catch(() => '');
  return sockets.split('\n').some((line) => {
    const [, family, owner, groups] = line.trim().split(/\s+/);
    return family === '0' && owner === String(pid) && Number.parseInt(groups ?? '0', 16) !== 0;
  });
}
