/** The operator's login to the console: a URL that works once. */
import { readFile } from 'node:fs/promises';
import { newOperatorLogin } from '../../functions/index.ts';
import { errnoOf } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import { dataPaths } from '../instance/instance.ts';
import { openState, type Place } from './operator-stores.ts';

export interface ConsoleLogin {
  /** The token is in its fragment, which browsers don't send. */
  readonly url: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** @param reachedAt where the browser reaches Ward; absent: as configured. @throws Fault DATA_DIR_EMPTY, CONFIG_INVALID */
export async function newConsoleLogin(place: Place, reachedAt: string | undefined): Promise<ConsoleLogin> {
  await using at = await openState(place);
  const { apiHost, dataDir } = at.config;
  const base = reachedAt ?? apiHost ?? (await lastAddress(dataDir));
  if (!URL.canParse(base))
    throw serverFault('CONFIG_INVALID', `${JSON.stringify(base)} is not the URL of a Ward`, { hint });
  const { login, lifeMs } = await newOperatorLogin(at.store.sessions);
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/console/login`;
  url.search = '';
  url.hash = login;
  return { url: url.href, expiresAt: Date.now() + lifeMs };
}

const hint = 'name it as your browser reaches it: --url https://ward.example.com';

/** A folder that was restored has no address until a server has served it. */
async function lastAddress(dataDir: string): Promise<string> {
  try {
    return (await readFile(dataPaths(dataDir).address, 'utf8')).trim();
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    const what = `no server has served ${dataDir} yet, so the address of the console is not known`;
    throw serverFault('CONFIG_INVALID', what, { hint: `start Ward, or ${hint}`, cause: error });
  }
}
