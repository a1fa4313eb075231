/**
 * Secrets that the operator keeps outside of the data folder, in files that only root can read, or in the
 * environment. They are read before the server starts. They are plain data, so that they can be sent to another
 * process.
 */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../lib/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { readKeyFile } from './key-file.ts';
import { readStorePassword } from './store-password.ts';

export interface GivenKeys {
  /** A file, or the name of a variable, for messages. */
  readonly source: string;
  /** The file that new keys are added to; undefined: the keys are in the environment, which can't be changed. */
  readonly file: string | undefined;
  /** The user who owns the file. */
  readonly owner: number | undefined;
  /** `ID:KEY` each. */
  readonly lines: readonly string[];
}

export interface Secrets {
  /** The keys that encrypt parameters; undefined: they are in the server's own data folder. */
  readonly parameterKeys: GivenKeys | undefined;
  /** Of the PostgreSQL database, if it needs one. */
  readonly storePassword: string | undefined;
  /** Undefined: only this machine can read the metrics. */
  readonly metricsToken: string | undefined;
}

/** A node that only runs actions has none. */
export const noSecrets: Secrets = {
  parameterKeys: undefined,
  storePassword: undefined,
  metricsToken: undefined,
};

/** Interval between checks for a new key file. A rotation waits much longer. */
const watchMs = 200;
const shortestToken = 16;

/** @throws Fault CONFIG_INVALID, PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE */
export async function readSecrets(
  config: Pick<Config, 'parameters' | 'metrics' | 'store'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Secrets> {
  const { tokenFile } = config.metrics;
  return {
    parameterKeys: readGivenKeys(config, env),
    storePassword: readStorePassword(config.store, env),
    metricsToken: tokenFile === undefined ? undefined : await readToken(tokenFile),
  };
}

/**
 * @param server the user of the server that reads the file, for a command of another user
 * @throws Fault PARAMETER_KEYS_INVALID, PARAMETER_KEYS_INSECURE
 */
export function readGivenKeys(
  { parameters: { keyFile } }: Pick<Config, 'parameters'>,
  env: NodeJS.ProcessEnv = process.env,
  server?: number,
): GivenKeys | undefined {
  const variable = env['WARD_PARAMETER_KEYS'];
  if (variable !== undefined)
    return { source: 'WARD_PARAMETER_KEYS', file: undefined, owner: undefined, lines: variable.split(',') };
  if (keyFile === undefined) return undefined;
  return keysIn(keyFile, server);
}

function keysIn(file: string, server?: number): GivenKeys {
  const { lines, stat } = readKeyFile(file, server);
  return { source: file, file, owner: stat.uid, lines };
}

/**
 * Watches the operator's key file, and passes on each new content. Ignores an unreadable or empty file.
 * @param first what was read before: a change since then counts, too
 */
export function watchGivenKeys(first: GivenKeys, onChange: (keys: GivenKeys) => void): Disposable {
  const { file } = first;
  if (file === undefined) return { [Symbol.dispose]: () => {} };
  let known = first.lines.join();
  let seen: string | undefined;
  const look = () => {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(file);
      const now = [ino, size, mtimeMs, ctimeMs].join();
      if (now === seen) return;
      const keys = keysIn(file);
      if (keys.lines.join() !== known) onChange(keys);
      known = keys.lines.join();
      seen = now;
    } catch {
      // The server's keys still decrypt everything; the next start will report the error.
    }
  };
  const timer = setInterval(look, watchMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function readToken(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw serverFault('CONFIG_INVALID', `metrics.tokenFile: ${messageOf(cause)}`, { cause });
  }
  if (text.length >= shortestToken && /^[\x21-\x7e]+$/.test(text)) return text;
  throw serverFault('CONFIG_INVALID', `metrics.tokenFile: ${file} holds no token`, {
    hint: `write one line of ${shortestToken} characters or more: openssl rand -hex 24 > ${file}`,
  });
}
