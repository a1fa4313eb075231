/**
 * The setting `store`: where Ward keeps its databases. Absent: in the data folder. Else the URL of a PostgreSQL
 * database, as libpq writes it. The password is taken out of it, so that the URL can be shown.
 * Source: PostgreSQL's manual, "Connection URIs".
 */
import { serverFault } from '../faults.ts';

export interface PostgresSetting {
  readonly engine: 'postgres';
  /** Without password. */
  readonly url: string;
  readonly user: string;
  /** The server's name, or the folder of its socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** From the URL; other places are asked when it is undefined. */
  readonly password: string | undefined;
  /** A file of passwords that the URL names. */
  readonly passwordFile: string | undefined;
  /** Files of certificates and keys that the URL names; the server reads them. */
  readonly tlsFiles: readonly string[];
}

export type StoreSetting = { readonly engine: 'sqlite' } | PostgresSetting;

const form =
  /^postgres(?:ql)?:\/\/(?<user>[^:@/?#]+)(?::(?<password>[^:@/?#]*))?@(?<address>[^@/?#]*)\/(?<database>[^/?#]+)(?:\?(?<parameters>[^#]*))?$/;
/** Ward sets the other parameters of a connection itself. */
const parameterNames: readonly string[] = ['host', 'passfile', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];
/** Without a check of the certificate, encryption protects from nobody who can redirect a connection. */
const sslModes: readonly string[] = ['disable', 'verify-full'];
const hint = 'write postgres://USER@HOST:PORT/DATABASE; docs/cluster.md has the parameters';
const usualPort = 5432;

/**
 * Messages never quote the text, which may have a password.
 * @throws Fault CONFIG_INVALID
 */
export function parseStoreSetting(text: string | undefined): StoreSetting {
  if (text === undefined) return { engine: 'sqlite' };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme !== undefined && !/^postgres(ql)?$/.test(scheme))
    throw invalid(`'${scheme}://' is no store of Ward`);
  const parts = form.exec(text)?.groups;
  if (parts === undefined) throw invalid('it is not the URL of a PostgreSQL database');
  const parameters = new URLSearchParams(parts['parameters']);
  const unknown = [...parameters.keys()].find((name) => !parameterNames.includes(name));
  if (unknown !== undefined) throw invalid(`it has the unknown parameter '${unknown}'`);
  const sslMode = parameters.get('sslmode');
  if (sslMode !== null && !sslModes.includes(sslMode))
    throw invalid('its sslmode is not disable or verify-full');
  const { host, port } = addressOf(parts['address'] ?? '', parameters.get('host'));
  const passwordFile = parameters.get('passfile') ?? undefined;
  const tlsFiles = ['sslrootcert', 'sslcert', 'sslkey'].flatMap((name) => parameters.get(name) ?? []);
  parameters.delete('passfile');
  const query = parameters.size === 0 ? '' : `?${parameters}`;
  const { user = '', database = '', address, password } = parts;
  return {
    engine: 'postgres',
    url: `postgres://${user}@${address}/${database}${query}`,
    ...{ user: decoded(user), host, port, database: decoded(database), passwordFile, tlsFiles },
    password: password === undefined || password === '' ? undefined : decoded(password),
  };
}

/** The URL with which a client connects. */
export function connectionUrl({ url }: PostgresSetting, password: string | undefined): string {
  if (password === undefined) return url;
  const end = url.indexOf('@');
  return `${url.slice(0, end)}:${encodeURIComponent(password)}${url.slice(end)}`;
}

function addressOf(address: string, folder: string | null): Pick<PostgresSetting, 'host' | 'port'> {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\],]*))(?::(\d{1,5}))?$/i.exec(address);
  const port = Number(match?.[3] ?? usualPort);
  if (match === null || port === 0 || port > 65_535) {
    throw invalid(
      address.includes(',')
        ? 'it names several servers; name an address that leads to the primary one'
        : 'its HOST:PORT is not an address',
    );
  }
  return { host: folder ?? (decoded(match[1] ?? match[2] ?? '') || 'localhost'), port };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('it has a % that is not followed by two hexadecimal digits');
  }
}

function invalid(problem: string) {
  return serverFault('CONFIG_INVALID', `store: ${problem}`, { hint });
}
