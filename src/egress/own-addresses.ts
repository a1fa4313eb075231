/**
 * Addresses that this host answers by itself, where Ward's API and services of its owner listen: the resolver opens none of
 * them. The kernel's local routes list them (`ip-route(8)`, types local, anycast and broadcast), also of devices without a
 * carrier and of whole networks; addresses of devices that are down are taken with them, since they answer as soon as the
 * device is up. `ip monitor` tells of each change.
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
  /** What was told last; a change is here some milliseconds after it has happened. */
  read(): readonly Network[];
  /** Settles when changes are no longer told, with how the watch ended. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

const rules = z.array(
  z.object({ table: z.string().optional(), fwmark: z.unknown().optional(), iif: z.string().optional() }),
);
const routes = z.array(z.object({ dst: z.string(), table: z.string().default('main') }));
const links = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional() })) }));
/** Kinds of routes that end here, and what `default` means. */
const families = {
  '-4': { types: ['local', 'broadcast'], everything: '0.0.0.0/0' },
  '-6': { types: ['local', 'anycast'], everything: '::/0' },
} as const;

/**
 * In the network namespace that Ward is in.
 * @param onChange Hears of them when they are no longer what they were. When it rejects, the watch ends.
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
      // If it can't be read, or not be told to the packet filter, Ward does not know that it is refused.
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

/** Those of tables in which a packet without a mark is looked up: others are a proxy's, which may claim every address. */
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

/** Lines about addresses, rules and routes that end here; a host may have many others. */
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
  // It has lost messages (ENOBUFS).
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
      throw unavailable('ip monitor tells of no changes');
    }
  }
  return { ended, end };
}

/** Its socket is in a group: from now on it misses nothing. Columns are those of netlink's file in proc(5). */
async function isListening(pid: number | undefined): Promise<boolean> {
  const sockets = await readFile(`/proc/${pid}/net/netlink`, 'utf8').catch(() => '');
  return sockets.split('\n').some((line) => {
    const [, family, owner, groups] = line.trim().split(/\s+/);
    return family === '0' && owner === String(pid) && Number.parseInt(groups ?? '0', 16) !== 0;
  });
}
