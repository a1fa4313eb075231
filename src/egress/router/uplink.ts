/**
 * How packets of one sandbox leave the machine: pasta (of passt) turns the connections that the router let through into
 * ordinary sockets of the host's network namespace, as slirp does. So the host forwards nothing: it needs no sysctl,
 * address or rule, and its firewall sees connections of a local process. pasta runs as the router's owner, an id
 * without any rights on the host, in an empty root and under its own seccomp filter.
 *
 * Each sandbox has its own pasta. That process's limit on descriptors bounds the sandbox's open connections, even if
 * the sandbox has fooled connection tracking, and its connections end with the process.
 */
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCommand } from '../../lib/index.ts';
import { addressesOf, far, mtu, uplinkMac } from '../addresses.ts';
import { inNamespace, programEnv, runNetworkProgram, unavailable } from '../programs.ts';
import type { RouterNamespace } from './namespace.ts';

export interface Uplink {
  /** Settles when it has ended, with the reason; undefined when it was killed, as it is with its sandbox. */
  readonly ended: Promise<string | undefined>;
  /** Adds the uplink to the sandbox's group as soon as the sandbox is in it, so that its use counts there, too. */
  chargeTo(group: ProcessGroup): void;
  /** Ends it and every connection of its sandbox. Idempotent. */
  end(): Promise<void>;
}

/** A control group. */
export interface ProcessGroup {
  pids(): readonly number[];
  add(pid: number): void;
}

const patienceMs = 10_000;
const pauseMs = 3;
const chargePatienceMs = 60_000;
/** pasta has about 100 descriptors open without a connection, most of them spare sockets. */
const idleDescriptors = 128;
/** A connection needs a socket and, most of the time, a timer. */
const descriptorsEach = 2;

/**
 * Opens /dev/net/tun to an id without rights, in a mount namespace of its own; elsewhere the device stays as it is. $1:
 * the user namespace; $2: its descriptors; the rest: pasta.
 */
const enter = `set -e
mount -t tmpfs -o mode=755,size=16k,nosuid,noexec ward /dev/net
mknod -m 666 /dev/net/tun c 10 200
owner=$1
ulimit -n "$2"
shift 2
exec nsenter --user="$owner" -- "$@"`;

/**
 * @param connections Limit of the sandbox, which the packet filter enforces; pasta gets descriptors for twice that.
 * @throws Fault EGRESS_UNAVAILABLE
 */
export async function startUplink(
  namespace: RouterNamespace,
  slot: number,
  connections: number,
): Promise<Uplink> {
  const descriptors = idleDescriptors + descriptorsEach * connections;
  const child = startCommand(
    [
      ...['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', enter, 'uplink'],
      ...[`/proc/${namespace.holderPid}/ns/user`, String(descriptors)],
      ...pastaArgv(slot, `/proc/${namespace.holderPid}/ns/net`),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: programEnv },
  );
  const state = watch(child);
  const end = async () => {
    child.kill('SIGKILL');
    await state.ended;
    await left(namespace.path, slot);
  };
  try {
    await made(namespace, slot, state);
    await joined(namespace.path, slot);
  } catch (error) {
    await end();
    throw error;
  }
  const chargeTo = (group: ProcessGroup) => void charge(child.pid, group, () => state.hasEnded).catch(end);
  return { ended: state.ended, chargeTo, end };
}

/** Charges the sandbox for the uplink's memory, socket buffers and processor time, because it causes them. */
async function charge(pid: number | undefined, group: ProcessGroup, hasEnded: () => boolean): Promise<void> {
  const patience = performance.now() + chargePatienceMs;
  while (pid !== undefined && !hasEnded()) {
    try {
      // The group may not exist before the sandbox has a process in it.
      if (group.pids().length > 0) return group.add(pid);
    } catch (error) {
      if (performance.now() > patience) throw error;
    }
    if (performance.now() > patience) throw unavailable('the sandbox of an uplink started no process');
    await sleep(pauseMs);
  }
}

/** @param namespace A path below /proc: Debian's AppArmor profile of pasta lets it open namespaces there. */
function pastaArgv(slot: number, namespace: string): string[] {
  const { inside, uplink } = addressesOf(slot);
  return [
    ...['pasta', '--foreground', '--quiet', '--netns', namespace, '--netns-only', '--no-netns-quit'],
    ...['--ns-ifname', uplink],
    // It answers nothing by itself, forwards nothing inwards, and gives the host's loopback no name.
    ...['--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra', '--no-icmp', '--no-map-gw'],
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--dns', 'none', '--search', 'none', '--mtu', String(mtu), '--mac-addr', far.mac],
    ...['--address', inside.ipv4, '--netmask', '30', '--gateway', far.ipv4],
    ...['--address', inside.ipv6, '--gateway', far.ipv6],
  ];
}

const rulePreference = 1000;
const families = ['-4', '-6'] as const;

/** Waits until pasta has made its device. */
async function made({ holderPid }: RouterNamespace, slot: number, state: Watched): Promise<void> {
  const line = new RegExp(`^\\s*${addressesOf(slot).uplink}:`, 'm');
  const patience = performance.now() + patienceMs;
  while (!line.test(await readFile(`/proc/${holderPid}/net/dev`, 'utf8'))) {
    if (state.hasEnded || performance.now() > patience) {
      const said = state.hasEnded ? await state.ended : 'it made no device';
      throw unavailable(`pasta: ${said ?? 'it was killed'}`, 'apt-get install passt; modprobe tun');
    }
    await sleep(pauseMs);
  }
}

/** Routes the packets of this sandbox to its uplink and nowhere else. */
async function joined(namespace: string, slot: number): Promise<void> {
  const { link, uplink, table } = addressesOf(slot);
  await runNetworkProgram(
    batch(namespace, '-4'),
    `link set ${uplink} address ${uplinkMac} mtu ${mtu} txqueuelen 1000 up\n`,
  );
  const lines = (address: string) => [
    `neigh replace ${address} lladdr ${far.mac} dev ${uplink}`,
    `route replace default via ${address} dev ${uplink} table ${table} onlink`,
    `rule add pref ${rulePreference} iif ${link} lookup ${table}`,
    '',
  ];
  await Promise.all(
    families.map((family) =>
      runNetworkProgram(batch(namespace, family), lines(family === '-4' ? far.ipv4 : far.ipv6).join('\n')),
    ),
  );
}

/** Removes the routing rule. The device and the routes to it have ended with pasta; the rule has not. */
async function left(namespace: string, slot: number): Promise<void> {
  const { link, table } = addressesOf(slot);
  const rule = `rule del pref ${rulePreference} iif ${link} lookup ${table}\n`;
  await Promise.all(
    families.map((family) => runNetworkProgram(batch(namespace, family), rule).catch(() => {})),
  );
}

function batch(namespace: string, family: (typeof families)[number]): string[] {
  return inNamespace(namespace, ['ip', family, '-batch', '-']);
}

interface Watched {
  readonly hasEnded: boolean;
  readonly ended: Uplink['ended'];
}

function watch(child: ChildProcess): Watched {
  let text = '';
  let hasEnded = false;
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk}`.slice(-500);
  });
  const { promise: ended, resolve } = Promise.withResolvers<string | undefined>();
  const end = (why: string | undefined) => {
    hasEnded = true;
    resolve(why);
  };
  child.once('error', (error) => end(error.message));
  child.once('close', (code, signal) =>
    end(signal === 'SIGKILL' ? undefined : text.trim() || `it ended with ${code ?? signal}`),
  );
  return {
    get hasEnded() {
      return hasEnded;
    },
    ended,
  };
}
