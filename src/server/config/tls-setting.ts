/** The setting `tls`. */
import { resolve } from 'node:path';
import { serverFault } from '../faults.ts';
import { type Address, parseAddress } from './address.ts';
import type { ConfigFile } from './config-file.ts';
import { prefixIn } from './public-url.ts';

/** Absolute paths of PEM files. */
export interface KeyPairFiles {
  /** The server's certificate first, then its chain. */
  readonly cert: string;
  readonly key: string;
}

/** Orders of certificates for domains in any 24 hours. */
export interface OrdersPerDay {
  readonly namespace: number;
  /** Of all namespaces together. */
  readonly all: number;
}

export interface AcmeSetting {
  /** URL of the authority's directory. */
  readonly directory: string;
  readonly names: readonly string[];
  readonly email: string | undefined;
  /** How it proves its names: on the address of `redirect` if there is one, or else on its own. */
  readonly challenge: 'http-01' | 'tls-alpn-01';
  readonly ordersPerDay: OrdersPerDay;
}

export interface TlsSetting {
  /** For different names. With `acme`, further pairs. */
  readonly files: readonly KeyPairFiles[];
  /** Absolute path of a PEM file: who vouches for the certificates that operators show. Undefined: they need none. */
  readonly operatorCa: string | undefined;
  readonly acme: AcmeSetting | undefined;
  /** Where plain HTTP sends browsers to https. */
  readonly redirect: Address | undefined;
  /** 0: browsers are told nothing. */
  readonly hstsSeconds: number;
}

/** As many as may have a certificate; Let's Encrypt takes 300 in three hours. */
const usualOrders: OrdersPerDay = { namespace: 25, all: 100 };
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';

/** @param apiHost may have a path. @throws Fault CONFIG_INVALID */
export function tlsSettingOf(tls: NonNullable<ConfigFile['tls']>, apiHost: string | undefined): TlsSetting {
  const { cert, key, others = [], operatorCa, acme, redirect, hstsSeconds = 0 } = tls;
  if (apiHost !== undefined) refuseThoseOfProxy(tls, apiHost);
  const own = cert === undefined || key === undefined ? [] : [{ cert, key }];
  return {
    files: [...own, ...others].map((files) => ({ cert: resolve(files.cert), key: resolve(files.key) })),
    operatorCa: operatorCa === undefined ? undefined : resolve(operatorCa),
    acme: acme && {
      ...{ directory: acme.directory ?? letsEncrypt, names: acme.names, email: acme.email },
      challenge: redirect === undefined ? 'tls-alpn-01' : 'http-01',
      ordersPerDay: {
        namespace: acme.ordersPerDay?.namespace ?? usualOrders.namespace,
        all: acme.ordersPerDay?.all ?? usualOrders.all,
      },
    },
    redirect: redirect === undefined ? undefined : parseAddress(redirect),
    hstsSeconds,
  };
}

/**
 * Below a prefix, the ports 80 and 443 of the host are the proxy's. An authority that asks for a proof finds the proxy. A
 * redirect could lead to other pages of the host: Ward can't know whether the path that comes still has the prefix.
 * @throws Fault CONFIG_INVALID
 */
function refuseThoseOfProxy({ acme, redirect }: NonNullable<ConfigFile['tls']>, apiHost: string): void {
  const prefix = prefixIn(apiHost);
  if (prefix === '') return;
  const { hostname } = new URL(apiHost);
  const refused = [
    ...(redirect === undefined ? [] : [['tls.redirect', 'lead http to https']]),
    ...(acme?.names.includes(hostname) ? [['tls.acme', `get the certificate of ${hostname}`]] : []),
  ];
  if (refused.length === 0) return;
  const settings = refused.map(([name]) => name).join(' and ');
  const [verb, tasks] = [refused.length > 1 ? 'do' : 'does', refused.map(([, task]) => task).join(' and ')];
  throw serverFault(
    'CONFIG_INVALID',
    `${settings} ${verb} not go with the path ${prefix} in apiHost: the ports of ${hostname} are those of a proxy`,
    {
      hint: `remove ${settings}, and let the proxy ${tasks}; or remove ${prefix} from apiHost (docs/proxies.md)`,
    },
  );
}
