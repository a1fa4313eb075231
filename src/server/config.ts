/**
 * Configuration: defaults < file (YAML) < environment (`WARD_*`) < flags, parsed into one frozen value before
 * anything starts. An unknown key is an error: a misspelt limit must not silently be none.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { messageOf } from '../lib/index.ts';
import { operatorPolicySchema } from '../sandbox/index.ts';
import { serverFault } from './faults.ts';

const mebibyte = 1024 * 1024;
const count = z.int().min(0).max(1_000_000_000);
const rangeSchema = (min: number, max: number) =>
  z.strictObject({
    min: z.int().min(min).max(max).optional(),
    max: z.int().min(min).max(max).optional(),
    default: z.int().min(min).max(max).optional(),
  });

const logLevelSchema = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']);

const fileSchema = z.strictObject({
  listen: z.string().optional(),
  data: z.string().optional(),
  images: z.string().optional(),
  logLevel: logLevelSchema.optional(),
  /** URL under which user code reaches the API. */
  apiHost: z.url().optional(),
  invoker: z
    .strictObject({
      memoryMiB: z.int().min(128).optional(),
      prewarm: z
        .array(
          z.strictObject({ kind: z.string(), memoryMiB: z.int().min(64), count: z.int().min(0).max(1000) }),
        )
        .optional(),
      maxStarting: z.int().min(1).max(1000).optional(),
      maxQueued: count.optional(),
      freezeAfterMs: count.optional(),
      keepAliveMs: count.optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      timeoutMs: rangeSchema(100, 10_800_000).optional(),
      memoryMiB: rangeSchema(64, 1_048_576).optional(),
      logMiB: rangeSchema(0, 1024).optional(),
      concurrency: rangeSchema(1, 500).optional(),
      invocationsPerMinute: count.optional(),
      concurrentInvocations: count.optional(),
      firesPerMinute: count.optional(),
      blockingWaitMs: z.int().min(1000).max(3_600_000).optional(),
    })
    .optional(),
  sandbox: operatorPolicySchema.optional(),
});

type ConfigFile = z.infer<typeof fileSchema>;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Config {
  readonly listen: Address;
  readonly dataDir: string;
  readonly imagesDir: string;
  readonly logLevel: string;
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
  readonly limits: NonNullable<ConfigFile['limits']>;
  readonly sandbox: ConfigFile['sandbox'];
}

export interface ConfigSources {
  readonly listen?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly configFile?: string | undefined;
}

export const defaultDataDir = '/var/lib/ward';
const defaultListen = '127.0.0.1:3233';
/** What is left of the host's memory is for the host, the page cache and Ward itself. */
const sandboxShareOfMemory = 0.7;

/** @throws Fault CONFIG_INVALID naming the file and each wrong key */
export async function loadConfig(
  flags: ConfigSources,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Config> {
  const configFile = flags.configFile ?? env['WARD_CONFIG'];
  const file = configFile === undefined ? {} : await readConfigFile(configFile);
  const dataDir = resolve(flags.dataDir ?? env['WARD_DATA'] ?? file.data ?? defaultDataDir);
  const cpus = availableParallelism();
  return {
    listen: parseAddress(flags.listen ?? env['WARD_LISTEN'] ?? file.listen ?? defaultListen),
    dataDir,
    imagesDir: resolve(env['WARD_IMAGES'] ?? file.images ?? join(defaultDataDir, 'images')),
    logLevel: parseLogLevel(env['WARD_LOG']) ?? file.logLevel ?? 'info',
    apiHost: env['WARD_API_HOST'] ?? file.apiHost,
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
    limits: file.limits ?? {},
    sandbox: file.sandbox,
  };
}

/** `HOST:PORT`, `:PORT`, `[::1]:PORT`. @throws Fault CONFIG_INVALID */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    throw serverFault('CONFIG_INVALID', `'${text}' is not an address to listen on`, {
      hint: 'write HOST:PORT, for example 127.0.0.1:3233',
    });
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}

function parseLogLevel(text: string | undefined): z.infer<typeof logLevelSchema> | undefined {
  if (text === undefined) return undefined;
  const parsed = logLevelSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw serverFault('CONFIG_INVALID', `WARD_LOG: there is no level '${text}'`, {
    hint: `use one of ${logLevelSchema.options.join(', ')}`,
  });
}

async function readConfigFile(path: string): Promise<ConfigFile> {
  let value: unknown;
  try {
    value = parseYaml(await readFile(path, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `${path}: ${messageOf(cause)}`, { cause });
  }
  const parsed = fileSchema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'file'}: ${issue.message}`);
  throw serverFault('CONFIG_INVALID', `${path}: ${problems.join('; ')}`, {
    hint: 'docs/operations.md lists every key',
  });
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
