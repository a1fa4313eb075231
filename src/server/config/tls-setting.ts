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

export interface TlsSetting {
  readonly files: KeyPairFiles;
  /** Where plain HTTP sends browsers to https. */
  readonly redirect: Address | undefined;
  /** 0: browsers are told nothing. */
  readonly hstsSeconds: number;
}

/** @throws Fault CONFIG_INVALID */
export function tlsSettingOf({
  cert,
  key,
  redirect,
  hstsSeconds = 0,
}: NonNullable<ConfigFile['tls']>): TlsSetting {
  return {
    files: { cert: resolve(cert), key: resolve(key) },
    redirect: redirect === undefined ? undefined : parseAddress(redirect),
    hstsSeconds,
  };
}
