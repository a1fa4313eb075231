/** How the client of NATS connects: where, as whom, and which servers it trusts. */
import { isIP } from 'node:net';
import { type ConnectionOptions, checkServerIdentity } from 'node:tls';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import type { BusAddresses } from './addresses.ts';
import type { BusIdentity } from './types.ts';

const dialTimeoutMs = 5_000;

export function clientOptions(
  { servers, user, password, isTls }: BusAddresses,
  identity: BusIdentity | undefined,
): NodeConnectionOptions {
  return {
    servers: [...servers],
    ...(user === undefined ? {} : { user, pass: password ?? '' }),
    ...(isTls ? { tls: tlsOf(servers, identity) } : {}),
    timeout: dialTimeoutMs,
  };
}

/** The client passes on all options of Node. */
type ClientTls = NonNullable<NodeConnectionOptions['tls']> & Pick<ConnectionOptions, 'checkServerIdentity'>;

/** Without an identity, the system's authorities are trusted. */
function tlsOf(servers: readonly string[], identity: BusIdentity | undefined): ClientTls {
  const given = { checkServerIdentity: serverCheck(servers) };
  if (identity === undefined) return given;
  const { certificate: cert, key, authority: ca } = identity;
  return { ...given, cert, key, ca };
}

/** For a server that is named by an address, the client asks for `localhost`, which its certificate does not have. */
function serverCheck(servers: readonly string[]): typeof checkServerIdentity {
  const addresses = servers.map((server) => server.replace(/:\d+$/, '')).filter((host) => isIP(host) !== 0);
  return (name, certificate) => {
    const error = checkServerIdentity(name, certificate);
    const fits = (address: string) => checkServerIdentity(address, certificate) === undefined;
    return name === 'localhost' && addresses.some(fits) ? undefined : error;
  };
}
