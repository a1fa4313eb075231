/** Certificates of the bus's servers. Nothing renews them, so they live longer than those of nodes. */
import { isIP } from 'node:net';
import type { Authority } from './authority.ts';
import { clockSlackMs } from './clock.ts';
import { clusterFault } from './faults.ts';
import { newNodeKey, privatePem } from './keys.ts';

interface ServerIdentity {
  /** PEM, both. */
  readonly certificate: string;
  readonly key: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

const lifeMs = 365 * 86_400_000;
/** A host name, which may begin with the wildcard of certificates. */
const hostPattern =
  /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;
const longestHost = 253;

/**
 * Makes a key and a certificate. The role in it is that of no node, so it gives no rights on the bus.
 * @param hosts names and addresses by which nodes reach the server
 * @throws Fault HOST_INVALID
 */
export async function newServerIdentity(
  authority: Authority,
  hosts: readonly string[],
): Promise<ServerIdentity> {
  for (const host of hosts) checkHost(host);
  const key = newNodeKey();
  const now = Date.now();
  const expiresAt = now + lifeMs;
  const certificate = await authority.issue({
    subject: { commonName: 'nats', organization: 'bus' },
    ...{ key, hosts, from: now - clockSlackMs, until: expiresAt, use: 'server' },
  });
  return { certificate, key: privatePem(key), expiresAt };
}

function checkHost(host: string): void {
  if (isIP(host) !== 0 || (hostPattern.test(host) && host.length <= longestHost)) return;
  throw clusterFault(
    'HOST_INVALID',
    `${JSON.stringify(host.slice(0, 300))} is neither a host name nor an address`,
    {
      hint: 'name the host as nodes reach it: nats1.example.com, 10.0.0.5',
    },
  );
}
