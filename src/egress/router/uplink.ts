/**
 * How packets leave the machine: pasta (of passt) turns the connections that the router let through into ordinary
 * sockets of the host's network namespace, as slirp does. So the host forwards nothing: no sysctl, no address, no
 * rule of its own is needed, and its own firewall sees connections of a local process. pasta runs as the router's
 * owner, an id without any rights on the host, in an empty root and under its own seccomp filter.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCommand } from '../../lib/index.ts';
import { uplink, uplinkName } from './addresses.ts';
import type { RouterNamespace } from './namespace.ts';
import { inNamespace, programEnv, runNetworkProgram, unavailable } from './programs.ts';

export interface Uplink {
  /** Settles with what it said when it has ended, asked for or not. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

const patienceMs = 10_000;
const pauseMs = 10;

/**
 * In a mount namespace of its own /dev/net/tun may be opened by an id without rights; elsewhere it stays as it is.
 * $1: the user namespace; the rest: pasta.
 */
const enter = `set -e
mount -t tmpfs -o mode=755,size=16k,nosuid,noexec ward /dev/net
mknod -m 666 /dev/net/tun c 10 200
owner=$1
shift
exec nsenter --user="$owner" -- "$@"`;

/** @throws Fault EGRESS_UNAVAILABLE */
export async function startUplink(namespace: RouterNamespace): Promise<Uplink> {
  const child = startCommand(
    [
      ...['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', enter, 'uplink'],
      ...[`/proc/${namespace.holderPid}/ns/user`, ...pastaArgv(`/proc/${namespace.holderPid}/ns/net`)],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: programEnv },
  );
  const state = watch(child);
  try {
    await configured(namespace.path, state);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return {
    ended: state.ended,
    async end() {
      child.kill('SIGKILL');
      await state.ended;
    },
  };
}

/** @param namespace Below /proc: Debian's AppArmor profile of pasta lets it open namespaces there. */
function pastaArgv(namespace: string): string[] {
  const { near, far } = uplink;
  return [
    ...[
      'pasta',
      '--foreground',
      '--quiet',
      '--netns',
      namespace,
      '--netns-only',
      '--no-netns-quit',
      '--ns-ifname',
      uplinkName,
    ],
    // It answers nothing by itself, forwards nothing inwards, and has no name for the host's loopback.
    ...['--no-dhcp', '--no-dhcpv6', '--no-ndp', '--no-ra', '--no-icmp', '--no-map-gw'],
    ...['--tcp-ports', 'none', '--udp-ports', 'none', '--tcp-ns', 'none', '--udp-ns', 'none'],
    ...['--dns', 'none', '--search', 'none', '--mtu', '1500', '--mac-addr', far.mac],
    ...['--address', near.ipv4, '--netmask', '30', '--gateway', far.ipv4],
    ...['--address', near.ipv6, '--gateway', far.ipv6],
  ];
}

/** The device appears when pasta has made it; then it gets its addresses. */
async function configured(namespace: string, state: { said: string | undefined }): Promise<void> {
  const { near, far } = uplink;
  const batch = [
    `link set ${uplinkName} address ${near.mac} mtu 1500 up`,
    `addr add ${near.ipv4}/30 dev ${uplinkName}`,
    `addr add ${near.ipv6}/64 dev ${uplinkName} nodad`,
    `neigh replace ${far.ipv4} lladdr ${far.mac} dev ${uplinkName}`,
    `neigh replace ${far.ipv6} lladdr ${far.mac} dev ${uplinkName}`,
    `route add default via ${far.ipv4} dev ${uplinkName}`,
    `route add default via ${far.ipv6} dev ${uplinkName}`,
    '',
  ].join('\n');
  const patience = performance.now() + patienceMs;
  for (;;) {
    if (state.said !== undefined)
      throw unavailable(`pasta: ${state.said}`, 'apt-get install passt; modprobe tun');
    try {
      await runNetworkProgram(inNamespace(namespace, ['ip', 'link', 'show', uplinkName]));
      break;
    } catch (error) {
      if (performance.now() > patience) throw error;
    }
    await sleep(pauseMs);
  }
  await runNetworkProgram(inNamespace(namespace, ['ip', '-batch', '-']), batch);
}

function watch(child: ChildProcess): { said: string | undefined; readonly ended: Promise<string> } {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk}`.slice(-500);
  });
  const { promise, resolve } = Promise.withResolvers<string>();
  const state: { said: string | undefined; readonly ended: Promise<string> } = {
    said: undefined,
    ended: promise,
  };
  const end = (why: string) => {
    state.said ??= why;
    resolve(state.said);
  };
  child.once('error', (error) => end(error.message));
  child.once('close', (code, signal) => end(text.trim() || `it ended with ${code ?? signal}`));
  return state;
}
