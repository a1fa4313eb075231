/**
 * The router's network namespace, inside a user namespace of its own whose owner is an id that nothing else uses. So
 * what runs there (sysctls, the uplink) has no power over the host: not even a mistake here can change a setting of the
 * host. A mount that only Ward's mount namespace has keeps it alive: it ends with Ward, however Ward ends.
 */
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { startCommand } from '../../lib/index.ts';
import { programEnv, runNetworkProgram, unavailable } from '../programs.ts';

export interface RouterNamespace {
  /** The network namespace, as a path. */
  readonly path: string;
  /** A process in this network namespace and in the user namespace that owns it. */
  readonly holderPid: number;
  /** Ends that process. */
  end(): void;
}

/**
 * Forwards packets in this namespace only. Sandboxes send from their own addresses only, so that rp_filter is not
 * needed; the packet filter limits errors. Connection tracking remembers datagrams for as long as pasta does.
 */
const settings = `set -e
set_to() { if [ -e "/proc/sys/net/$1" ]; then echo "$2" >"/proc/sys/net/$1"; fi; }
ip link set lo up
set_to ipv4/ip_forward 1
set_to ipv6/conf/all/forwarding 1
set_to ipv4/conf/all/rp_filter 0
set_to ipv4/conf/all/accept_redirects 0
set_to ipv4/conf/all/send_redirects 0
set_to ipv6/conf/default/accept_ra 0
set_to ipv4/icmp_ratelimit 0
set_to netfilter/nf_conntrack_tcp_loose 0
set_to netfilter/nf_conntrack_tcp_timeout_established 7200
set_to netfilter/nf_conntrack_udp_timeout 180
set_to netfilter/nf_conntrack_udp_timeout_stream 180
echo ready
exec cat`;

/**
 * @param path An empty file of Ward's, which becomes the namespace.
 * @param ownerId User and group id of the namespace's owner; no other process has it.
 * @throws Fault EGRESS_UNAVAILABLE
 */
export async function makeRouterNamespace(path: string, ownerId: number): Promise<RouterNamespace> {
  await writeFile(path, '', { mode: 0o600 });
  const ids = `0:${ownerId}:1`;
  const holder = startCommand(
    [
      ...['unshare', '--user', `--map-users=${ids}`, `--map-groups=${ids}`, '--setuid', '0', '--setgid', '0'],
      ...['--net', '--', '/bin/sh', '-c', settings],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: programEnv },
  );
  const said = await firstWords(holder);
  if (said.trim() !== 'ready' || holder.pid === undefined) {
    holder.kill('SIGKILL');
    throw unavailable(`can't make a network namespace: ${said.slice(0, 300)}`);
  }
  try {
    await runNetworkProgram(['mount', '--bind', `/proc/${holder.pid}/ns/net`, path]);
  } catch (error) {
    holder.kill('SIGKILL');
    throw error;
  }
  return {
    path,
    holderPid: holder.pid,
    end: () => void holder.kill('SIGKILL'),
  };
}

async function firstWords(child: ReturnType<typeof startCommand>): Promise<string> {
  const { stdout, stderr } = child;
  let complaint = '';
  stderr?.on('data', (chunk: Buffer) => {
    complaint = `${complaint}${chunk}`.slice(-500);
  });
  child.stdin?.on('error', () => {});
  const ended = Promise.race([
    once(child, 'close').then(() => complaint || 'it ended'),
    once(child, 'error').then(([error]) => String(error)),
  ]);
  const ready = stdout ? once(stdout, 'data').then(([chunk]) => String(chunk)) : ended;
  return Promise.race([ready, ended.catch(String)]);
}
