/** The setting `tls`. */
import { resolve } from 'node:path';
import { type Address, parseAddress } from './address.ts';
import type { ConfigFile } from './config-file.ts';

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

/** @throws Fault CONFIG_INVALID */
export function tlsSettingOf({
  cert,
  key,
  others = [],
  operatorCa,
  acme,
  redirect,
  hstsSeconds = 0,
}: NonNullable<ConfigFile['tls']>): TlsSetting {
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
