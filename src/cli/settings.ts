/**
 * Resolves the server, the key and the namespace, and records the source of each: flag, then WARD_*, then WHISK_*,
 * then `.wskprops`, then the server of this machine. The key of this machine's server is used only for a server on
 * this machine: it must not be sent to a host that some settings file names.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cliFault } from './faults.ts';
import type { WskProperties } from './wskprops.ts';

export interface Setting {
  readonly value: string;
  /** Its source, for messages: `--apihost`, `WARD_AUTH`, a file. */
  readonly source: string;
}

export interface Settings {
  /** An absolute http or https URL without a trailing slash. */
  readonly apihost: Setting;
  readonly auth: Setting | undefined;
  readonly namespace: Setting;
  readonly insecure: boolean;
}

export interface SettingSources {
  readonly flags: { readonly apihost?: string; readonly auth?: string; readonly insecure?: boolean };
  readonly env: NodeJS.ProcessEnv;
  readonly wskprops: { readonly path: string; readonly properties: WskProperties };
  /** The key of this machine's server, looked up only on demand. */
  readonly localKey: () => Setting | undefined;
  /** The address that this machine's server wrote down, looked up only on demand. */
  readonly localAddress: () => string | undefined;
}

export const defaultApihost = 'http://127.0.0.1:3233';
const defaultDataDir = '/var/lib/ward';

/** @throws Fault SETTING_INVALID */
export function resolveSettings(sources: SettingSources): Settings {
  const { flags, env, wskprops } = sources;
  const find = (flag: string | undefined, name: string): Setting | undefined =>
    firstOf(
      [`--${name.toLowerCase()}`, flag],
      [`WARD_${name}`, env[`WARD_${name}`]],
      [`WHISK_${name}`, env[`WHISK_${name}`]],
      [wskprops.path, wskprops.properties[name]],
    );
  const named = find(flags.apihost, 'APIHOST');
  const isOwn = named === undefined;
  const { value, source } = named ?? {
    value: sources.localAddress() ?? defaultApihost,
    source: 'this machine',
  };
  const apihost = { value: parseApihost(value, source), source };
  // With TLS, the server's own address is a name and no loopback address.
  const mayUseLocalKey = isOwn || isLoopback(apihost.value);
  const auth = find(flags.auth, 'AUTH') ?? (mayUseLocalKey ? sources.localKey() : undefined);
  if (auth !== undefined) checkKey(auth);
  const insecure = firstOf(
    ['WARD_INSECURE', env['WARD_INSECURE']],
    [wskprops.path, wskprops.properties['INSECURE_SSL']],
  );
  return {
    apihost,
    auth,
    namespace: find(undefined, 'NAMESPACE') ?? { value: '_', source: 'the key' },
    insecure: flags.insecure ?? /^(?:1|true|yes)$/i.test(insecure?.value ?? ''),
  };
}

/** The data folder of this machine's server. */
export function dataDirOf(flag: string | undefined, env: NodeJS.ProcessEnv): string {
  return flag ?? (env['WARD_DATA'] || defaultDataDir);
}

/** The address at which the Ward of a data folder serves, or served when it last ran; undefined when it can't be read. */
export function readLocalAddress(dataDir: string): string | undefined {
  const path = join(dataDir, 'address');
  try {
    return parseApihost(readFileSync(path, 'utf8').trim(), path);
  } catch {
    return undefined;
  }
}

/** The key of the first namespace, as the server wrote it for its owner; undefined when it can't be read. */
export function readLocalKey(dataDir: string): Setting | undefined {
  const path = localKeyPath(dataDir);
  try {
    return { value: readFileSync(path, 'utf8').trim(), source: path };
  } catch {
    return undefined;
  }
}

export function localKeyPath(dataDir: string): string {
  return join(dataDir, 'guest.auth');
}

/**
 * A host without a scheme means https, as in wsk, except on this machine, where Ward itself speaks http.
 * @throws Fault SETTING_INVALID
 */
export function parseApihost(text: string, source: string): string {
  const hasScheme = /^[a-z][a-z\d+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `https://${text}`);
  const isPlain = url !== null && `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (!isPlain || !['http:', 'https:'].includes(url.protocol))
    throw cliFault('SETTING_INVALID', `'${text}' (${source}) is not the address of a server`, {
      hint: `write it like ${defaultApihost} or https://ward.example.org`,
    });
  if (!hasScheme && isLoopback(url.href)) url.protocol = 'http:';
  return url.href.replace(/\/+$/, '');
}

/** Where the server of this address has its registry: clients of registries know only hosts, so never below a path. */
export function registryAt(apihost: string): string {
  return new URL(apihost).origin;
}

export function isLoopback(href: string): boolean {
  const { hostname } = new URL(href);
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function checkKey(auth: Setting): void {
  if (/^[^\s:]+:[^\s:]+$/.test(auth.value)) return;
  throw cliFault('SETTING_INVALID', `the key from ${auth.source} is not of the form uuid:secret`, {
    hint: 'copy the whole key, as `ward namespace create` or DIR/guest.auth shows it',
  });
}

function firstOf(...candidates: readonly (readonly [string, string | undefined])[]): Setting | undefined {
  for (const [source, value] of candidates) if (value) return { value, source };
  return undefined;
}
