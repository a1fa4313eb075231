/**
 * Configuration: defaults < file (YAML) < environment (`WARD_*`) < flags, parsed into one frozen value before
 * anything starts. An unknown key is an error: a misspelt limit must not silently have no effect.
 */
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { type BlobLocation, parseBlobLocation } from '../../blobs/index.ts';
import { type BusAddresses, parseBusAddresses } from '../../bus/index.ts';
import type { EgressCeiling } from '../../egress/index.ts';
import { logLevels } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { type Address, parseAddress } from './address.ts';
import { type NodeNames, nodeNames } from './bus-setting.ts';
import type { ConfigFile } from './config-file.ts';
import type { OidcSetting } from './oidc-setting.ts';
import { parsePublicUrl } from './public-url.ts';
import { parseStoreSetting, type StoreSetting } from './store-setting.ts';
import { type TlsSetting, tlsSettingOf } from './tls-setting.ts';

export type { Address } from './address.ts';

export interface Config {
  readonly listen: Address;
  readonly dataDir: string;
  readonly imagesDir: string;
  /** Where code and pushed images are; undefined: in the data folder. */
  readonly blobs: BlobLocation | undefined;
  readonly store: StoreSetting;
  /** Which node of which cluster this is. */
  readonly node: NodeNames;
  /** Undefined: this server is no node of a cluster, or gets the addresses when it joins one. */
  readonly bus: BusAddresses | undefined;
  readonly logLevel: string;
  readonly accessLog: boolean;
  /** Serves the console, and lets browsers log in. */
  readonly console: boolean;
  /** Undefined: the API speaks plain HTTP. */
  readonly tls: TlsSetting | undefined;
  /** Without a slash at its end. Its path is the prefix that a proxy takes off. */
  readonly apiHost: string | undefined;
  readonly invoker: {
    readonly memoryMiB: number;
    readonly prewarm: readonly {
      readonly kind: string;
      readonly memoryMiB: number;
      readonly count: number;
    }[];
    readonly maxStarting: number;
    readonly maxQueued: number;
    readonly freezeAfterMs: number;
    readonly keepAliveMs: number;
  };
  /** Changes to Ward's own table. */
  readonly kindAliases: ConfigFile['kindAliases'];
  readonly limits: NonNullable<ConfigFile['limits']>;
  readonly parameters: {
    /** Absolute; undefined: the one in the data folder. */
    readonly keyFile: string | undefined;
  };
  readonly retention: {
    /** 0 keeps records for ever. */
    readonly maxAgeDays: number;
    /** 0 keeps all records. */
    readonly maxRecordsPerNamespace: number;
    readonly everyMinutes: number;
  };
  readonly audit: {
    /** 0 keeps entries for ever. */
    readonly keepDays: number;
    /** 0 keeps all entries. */
    readonly keepEntries: number;
    /** Gets every new entry. */
    readonly syslog?: string;
  };
  readonly stop: {
    /** How long running calls may take when a server stops. */
    readonly drainMs: number;
  };
  readonly checks: {
    /** 0: never. */
    readonly everyMinutes: number;
  };
  readonly advisories: {
    readonly update: 'off' | 'hourly' | 'daily';
    /** A URL, or the absolute path of a folder; undefined: the public exports. */
    readonly from: string | undefined;
    /** Absolute. */
    readonly key: string | undefined;
    /** Absolute; undefined: Ward's own list. */
    readonly sources: string | undefined;
  };
  readonly disk: {
    /** Undefined: a share of the disk. */
    readonly reserveBytes: number | undefined;
  };
  readonly records: {
    /** Whether calls continue while the disk takes no records. */
    readonly whenUnable: 'refuse' | 'continue';
  };
  /** Settings of the web interfaces that the public can reach. */
  readonly web: NonNullable<ConfigFile['web']>;
  readonly domains: {
    /** Asked for the proofs of domains; empty: those of the host. */
    readonly resolvers: readonly string[];
  };
  readonly feeds: NonNullable<ConfigFile['feeds']>;
  readonly metrics: {
    /** Absolute; undefined: only this machine can read the metrics. */
    readonly tokenFile: string | undefined;
    /** How many actions of each namespace have metrics of their own. */
    readonly actionsPerNamespace: number;
  };
  readonly logForwarding: {
    /** Where namespaces may send their logs; undefined: where sandboxes may connect to. */
    readonly allow: EgressCeiling | undefined;
  };
  readonly tracing: {
    /** Undefined: nothing is traced. */
    readonly endpoint: string | undefined;
    /** The part of all traces that is exported. */
    readonly ratio: number;
  };
  readonly security: {
    /** 0: never. */
    readonly violationThreshold: number;
    readonly violationWindowSeconds: number;
  };
  readonly oidc: OidcSetting;
  readonly sandbox: ConfigFile['sandbox'];
}

export interface ConfigSources {
  readonly listen?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly configFile?: string | undefined;
  readonly accessLog?: boolean | undefined;
  readonly console?: boolean | undefined;
}

const mebibyte = 1024 * 1024;
export const defaultDataDir = '/var/lib/ward';
export const defaultListen = '127.0.0.1:3233';
/** The rest of the host's memory is for the host, the page cache and Ward itself. */
const sandboxShareOfMemory = 0.7;

/** @throws Fault CONFIG_INVALID naming the file and each wrong key */
export async function loadConfig(
  flags: ConfigSources,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Config> {
  const configFile = flags.configFile ?? env['WARD_CONFIG'];
  // Loaded only when there is a file: commands by hand start sooner without the parser.
  const file: ConfigFile =
    configFile === undefined ? {} : await (await import('./config-file.ts')).readConfigFile(configFile);
  const dataDir = resolve(flags.dataDir ?? env['WARD_DATA'] ?? file.data ?? defaultDataDir);
  const cpus = availableParallelism();
  const keyFile = file.parameters?.keyFile;
  const tokenFile = file.metrics?.tokenFile;
  const store = parseStoreSetting(env['WARD_STORE'] ?? file.store);
  const blobs = parseBlobs(env['WARD_BLOBS'] ?? file.blobs);
  const bus = env['WARD_BUS'] ?? file.bus;
  const apiHost = parsePublicUrl(env['WARD_API_HOST']) ?? file.apiHost;
  return {
    listen: parseAddress(flags.listen ?? env['WARD_LISTEN'] ?? file.listen ?? defaultListen),
    dataDir,
    imagesDir: resolve(env['WARD_IMAGES'] ?? file.images ?? join(defaultDataDir, 'images')),
    store,
    node: nodeNames({ name: file.cluster?.name, node: env['WARD_NODE'] ?? file.cluster?.node }),
    bus: bus === undefined ? undefined : parseBusAddresses(bus),
    blobs,
    logLevel: parseLogLevel(env['WARD_LOG']) ?? file.logLevel ?? 'info',
    accessLog: flags.accessLog ?? file.accessLog ?? false,
    console: flags.console ?? file.console ?? true,
    tls: file.tls && tlsSettingOf(file.tls, apiHost),
    apiHost,
    invoker: {
      memoryMiB: Math.floor((totalmem() / mebibyte) * sandboxShareOfMemory),
      prewarm: [
        { kind: 'nodejs:24', memoryMiB: 256, count: 2 },
        { kind: 'python:3.13', memoryMiB: 256, count: 1 },
      ],
      maxStarting: cpus * 2,
      maxQueued: 10_000,
      freezeAfterMs: 250,
      keepAliveMs: 600_000,
      ...withoutUndefined(file.invoker ?? {}),
    },
    kindAliases: file.kindAliases,
    limits: file.limits ?? {},
    parameters: { keyFile: keyFile === undefined ? undefined : resolve(keyFile) },
    retention: {
      maxAgeDays: 7,
      maxRecordsPerNamespace: 1_000_000,
      everyMinutes: 10,
      ...withoutUndefined(file.retention ?? {}),
    },
    audit: { keepDays: 400, keepEntries: 2_000_000, ...withoutUndefined(file.audit ?? {}) },
    stop: { drainMs: (file.stop?.drainSeconds ?? 10) * 1000 },
    checks: { everyMinutes: file.checks?.everyMinutes ?? 1440 },
    advisories: advisoriesOf(file.advisories),
    disk: { reserveBytes: file.disk?.reserveBytes },
    records: { whenUnable: file.records?.whenUnable ?? 'refuse' },
    web: file.web ?? {},
    domains: { resolvers: file.domains?.resolvers ?? [] },
    feeds: file.feeds ?? {},
    metrics: {
      tokenFile: tokenFile === undefined ? undefined : resolve(tokenFile),
      actionsPerNamespace: file.metrics?.actionsPerNamespace ?? 0,
    },
    logForwarding: { allow: file.logForwarding?.allow },
    tracing: { endpoint: file.tracing?.endpoint, ratio: file.tracing?.ratio ?? 0.01 },
    security: {
      violationThreshold: 5,
      violationWindowSeconds: 60,
      ...withoutUndefined(file.security ?? {}),
    },
    oidc: await oidcOf(file.oidc),
    sandbox: file.sandbox,
  };
}

/** @throws Fault CONFIG_INVALID */
async function oidcOf(setting: ConfigFile['oidc']): Promise<OidcSetting> {
  if (setting === undefined) return { listed: [], allow: undefined, adobeAuth: undefined, logins: [] };
  return (await import('./oidc-setting.ts')).oidcSetting(setting);
}

/** @throws Fault BLOBS_URL_INVALID */
function parseBlobs(text: string | undefined): BlobLocation | undefined {
  return text === undefined || text === '' ? undefined : parseBlobLocation(text);
}

function advisoriesOf({ update = 'off', from, key, sources }: NonNullable<ConfigFile['advisories']> = {}) {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const isUrl = from?.includes('://');
  return { update, from: isUrl ? from : absolute(from), key: absolute(key), sources: absolute(sources) };
}

function parseLogLevel(text: string | undefined): (typeof logLevels)[number] | undefined {
  if (text === undefined) return undefined;
  const level = logLevels.find((each) => each === text);
  if (level !== undefined) return level;
  throw serverFault('CONFIG_INVALID', `WARD_LOG: unknown level '${text}'`, {
    hint: `use one of ${logLevels.join(', ')}`,
  });
}

export function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
