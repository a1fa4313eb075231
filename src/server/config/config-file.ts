/** The configuration file: all keys and their allowed values. An unknown key is an error. */
import { readFile } from 'node:fs/promises';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { egressCeilingSchema } from '../../egress/index.ts';
import { logLevels, messageOf, parseSize } from '../../lib/index.ts';
import { operatorPolicySchema, resolverSchema } from '../../sandbox/index.ts';
import { serverFault } from '../faults.ts';
import { kindAliasesSchema } from './kind-aliases-setting.ts';
import { oidcSchema } from './oidc-setting.ts';
import { notPublicUrl, publicUrlIn } from './public-url.ts';

const syslogAddress = /^(?:tls|tcp):\/\/(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const count = z.int().min(0).max(1_000_000_000);
const rangeSchema = (min: number, max: number) =>
  z.strictObject({
    min: z.int().min(min).max(max).optional(),
    max: z.int().min(min).max(max).optional(),
    default: z.int().min(min).max(max).optional(),
  });

/** Bytes, as a number or like `22m`. */
const sizeUpTo = (max: number) =>
  z.union([z.int(), z.string()]).transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseSize(value);
    if (bytes !== undefined && bytes >= 1 && bytes <= max) return bytes;
    context.addIssue({ code: 'custom', message: `not a size like 22m, of at most ${max} bytes` });
    return z.NEVER;
  });

const publicUrl = z.string().transform((text, context) => {
  const url = publicUrlIn(text);
  if (url !== undefined) return url;
  context.addIssue({ code: 'custom', message: notPublicUrl });
  return z.NEVER;
});

const mebibyte = 1024 * 1024;

const webRate = z.strictObject({
  perSecond: z.number().min(0.01).max(1_000_000),
  burst: z.int().min(1).max(1_000_000),
});

const fileSchema = z.strictObject({
  listen: z.string().optional(),
  data: z.string().optional(),
  /** An S3-compatible store for code and pushed images. */
  blobs: z.string().optional(),
  images: z.string().optional(),
  /** URL of a PostgreSQL database. */
  store: z.string().max(2000).optional(),
  bus: z.string().max(2000).optional(),
  cluster: z.strictObject({ name: z.string().optional(), node: z.string().optional() }).optional(),
  logLevel: z.enum(logLevels).optional(),
  /** Logs every request. */
  accessLog: z.boolean().optional(),
  console: z.boolean().optional(),
  tls: z
    .strictObject({
      /** PEM files: the certificate with its chain, and its key. */
      cert: z.string().min(1).optional(),
      key: z.string().min(1).optional(),
      /** Further pairs, for other names. */
      others: z
        .array(z.strictObject({ cert: z.string().min(1), key: z.string().min(1) }))
        .max(100)
        .optional(),
      /** PEM file: vouches for the certificates of operators. */
      operatorCa: z.string().min(1).optional(),
      acme: z
        .strictObject({
          names: z
            .array(z.string().regex(/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/))
            .min(1)
            .max(50),
          directory: z.url({ protocol: /^https$/ }).optional(),
          email: z.email().optional(),
          /** To the terms of the authority. */
          agree: z.literal(true),
          /** Of certificates for domains. */
          ordersPerDay: z.strictObject({ namespace: count.optional(), all: count.optional() }).optional(),
        })
        .optional(),
      /** Address on which plain HTTP sends browsers to https. */
      redirect: z.string().optional(),
      hstsSeconds: z.int().min(0).max(63_072_000).optional(),
    })
    .refine(
      ({ cert, key, acme }) => (cert === undefined) === (key === undefined) && (cert ?? acme) !== undefined,
      {
        message: 'needs cert and key, or acme',
      },
    )
    .refine(({ cert, acme }) => cert === undefined || acme === undefined, {
      message: 'has either cert and key, or acme',
    })
    .optional(),
  /** URL under which the world reaches Ward. */
  apiHost: publicUrl.optional(),
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
  kindAliases: kindAliasesSchema.optional(),
  limits: z
    .strictObject({
      timeoutMs: rangeSchema(100, 10_800_000).optional(),
      memoryMiB: rangeSchema(64, 1_048_576).optional(),
      logMiB: rangeSchema(0, 1024).optional(),
      concurrency: rangeSchema(1, 500).optional(),
      cpus: z
        .strictObject({
          min: z.number().min(0.01).max(1024).optional(),
          max: z.number().min(0.01).max(1024).optional(),
        })
        .optional(),
      diskMiB: z
        .strictObject({
          min: z.int().min(1).max(mebibyte).optional(),
          max: z.int().min(1).max(mebibyte).optional(),
        })
        .optional(),
      codeBytes: sizeUpTo(256 * mebibyte).optional(),
      parametersBytes: sizeUpTo(16 * mebibyte).optional(),
      payloadBytes: sizeUpTo(16 * mebibyte).optional(),
      resultBytes: sizeUpTo(16 * mebibyte).optional(),
      list: z
        .strictObject({
          default: z.int().min(1).max(10_000).optional(),
          max: z.int().min(1).max(10_000).optional(),
        })
        .optional(),
      sequenceLength: z.int().min(1).max(1000).optional(),
      invocationsPerMinute: count.optional(),
      concurrentInvocations: count.optional(),
      firesPerMinute: count.optional(),
      codeQuotaBytes: sizeUpTo(Number.MAX_SAFE_INTEGER).optional(),
      recordQuotaBytes: sizeUpTo(Number.MAX_SAFE_INTEGER).optional(),
      registryQuotaBytes: sizeUpTo(Number.MAX_SAFE_INTEGER).optional(),
      blockingWaitMs: z.int().min(1000).max(3_600_000).optional(),
    })
    .optional(),
  parameters: z
    .strictObject({
      /** File with the encryption keys, one per line. */
      keyFile: z.string().min(1).optional(),
    })
    .optional(),
  retention: z
    .strictObject({
      /** 0 keeps records for ever. */
      maxAgeDays: z.number().min(0).max(36_500).optional(),
      /** 0 keeps all records. */
      maxRecordsPerNamespace: count.optional(),
      everyMinutes: z.number().min(0.1).max(1440).optional(),
    })
    .optional(),
  audit: z
    .strictObject({
      /** 0 keeps entries for ever. */
      keepDays: z.int().min(0).max(36_500).optional(),
      /** 0 keeps all entries. */
      keepEntries: count.optional(),
      /** `tls://HOST:PORT` or `tcp://HOST:PORT`. */
      syslog: z
        .string()
        .max(300)
        .refine(
          (text) => syslogAddress.test(text) && URL.canParse(text),
          'not like tls://logs.example.com:6514',
        )
        .optional(),
    })
    .optional(),
  stop: z
    .strictObject({
      /** How long running calls may take when a server stops. */
      drainSeconds: z.number().min(0).max(3600).optional(),
    })
    .optional(),
  /** 0: never. */
  checks: z.strictObject({ everyMinutes: z.number().min(0).max(10_080).optional() }).optional(),
  advisories: z
    .strictObject({
      /** How often the server updates them itself. */
      update: z.enum(['off', 'hourly', 'daily']).optional(),
      /** A mirror: its URL or its folder. */
      from: z.string().min(1).max(2000).optional(),
      /** The public key that signs the mirror. */
      key: z.string().min(1).optional(),
      /** A list of sources that replaces Ward's own. */
      sources: z.string().min(1).optional(),
    })
    .optional(),
  disk: z
    .strictObject({
      /** Space on the data folder's disk that tenants can't use. */
      reserveBytes: sizeUpTo(Number.MAX_SAFE_INTEGER).optional(),
    })
    .optional(),
  records: z
    .strictObject({
      /** Whether calls continue while the disk takes no records. */
      whenUnable: z.enum(['refuse', 'continue']).optional(),
    })
    .optional(),
  web: z
    .strictObject({
      /** Proxies (addresses or networks) whose `X-Forwarded-For` is trusted. */
      trustedProxies: z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])).optional(),
      perAddress: webRate.optional(),
      perAddressAndAction: webRate.optional(),
    })
    .optional(),
  domains: z
    .strictObject({
      /** Asked for the proofs of domains. */
      resolvers: z.array(resolverSchema).min(1).max(8).optional(),
    })
    .optional(),
  feeds: z
    .strictObject({
      feedsPerNamespace: count.optional(),
      minCronIntervalMs: z.int().min(1000).max(86_400_000).optional(),
      graceMs: count.optional(),
    })
    .optional(),
  metrics: z
    .strictObject({
      /** File with the bearer token of scrapers; without it only this machine can read `/metrics`. */
      tokenFile: z.string().min(1).optional(),
      /** How many actions of each namespace have metrics of their own. */
      actionsPerNamespace: z.int().min(0).max(1000).optional(),
    })
    .optional(),
  logForwarding: z
    .strictObject({
      /** Where namespaces may send their logs. */
      allow: egressCeilingSchema.optional(),
    })
    .optional(),
  tracing: z
    .strictObject({
      /** Base URL of an OTLP/HTTP collector; without it nothing is traced. */
      endpoint: z.url({ protocol: /^https?$/ }).optional(),
      /** The part of all traces that is exported. */
      ratio: z.number().min(0).max(1).optional(),
    })
    .optional(),
  security: z
    .strictObject({
      /** Number of violations of a namespace within the window that fires the trigger `security`; 0: never. */
      violationThreshold: count.optional(),
      violationWindowSeconds: z.int().min(1).max(86_400).optional(),
    })
    .optional(),
  oidc: oidcSchema.optional(),
  sandbox: operatorPolicySchema.optional(),
});

export type ConfigFile = z.infer<typeof fileSchema>;

/** @throws Fault CONFIG_INVALID naming the file and each wrong key */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    const hint = 'check the path that --config or WARD_CONFIG names';
    throw serverFault('CONFIG_INVALID', `can't read the configuration: ${messageOf(cause)}`, { cause, hint });
  });
  let value: unknown;
  try {
    value = parseYaml(text, { maxAliasCount: 0 });
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
