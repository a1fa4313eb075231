/** A sandbox's network namespace with one device, connected to the router by a pair of virtual Ethernet devices. */
import { rm, writeFile } from 'node:fs/promises';
import { runCommand } from '../../lib/index.ts';
import { addressesOf, deviceName, mtu, segment } from '../addresses.ts';
import { inNamespace, programEnv, runNetworkProgram } from '../programs.ts';

/**
 * Makes the namespace as root, not in the sandbox's user namespace: even a process with all capabilities inside has
 * none over its own network.
 * @param path A file that becomes the namespace.
 */
export async function makeLinkedNamespace(path: string, router: string, slot: number): Promise<void> {
  const { inside, gateway, link } = addressesOf(slot);
  await writeFile(path, '', { mode: 0o600 });
  await runNetworkProgram(
    ['unshare', `--net=${path}`, '--', 'ip', '-batch', '-'],
    [
      'link set lo up',
      `link add ${deviceName} type veth peer name ${link} netns ${router}`,
      `link set ${deviceName} address ${inside.mac} mtu ${mtu} up`,
      `addr add ${inside.ipv4}/31 dev ${deviceName}`,
      `addr add ${inside.ipv6}/127 dev ${deviceName} nodad`,
      `neigh replace ${gateway.ipv4} lladdr ${gateway.mac} dev ${deviceName}`,
      `neigh replace ${gateway.ipv6} lladdr ${gateway.mac} dev ${deviceName}`,
      `route add default via ${gateway.ipv4} dev ${deviceName} advmss ${segment}`,
      `route add default via ${gateway.ipv6} dev ${deviceName} advmss ${segment}`,
      '',
    ].join('\n'),
  );
  await runNetworkProgram(
    inNamespace(router, ['ip', '-batch', '-']),
    [
      `link set ${link} address ${gateway.mac} mtu ${mtu} up`,
      `addr add ${gateway.ipv4}/31 dev ${link}`,
      `addr add ${gateway.ipv6}/127 dev ${link} nodad`,
      `neigh replace ${inside.ipv4} lladdr ${inside.mac} dev ${link}`,
      `neigh replace ${inside.ipv6} lladdr ${inside.mac} dev ${link}`,
      '',
    ].join('\n'),
  );
}

/** Releases the namespace, which ends with its last holder, as does its device. Idempotent. */
export async function releaseNamespace(path: string): Promise<void> {
  // umount fails when nothing is mounted there.
  await runCommand(['umount', '--lazy', path], { env: programEnv, timeoutMs: 20_000 });
  await rm(path, { force: true });
}
