/**
 * The password of the PostgreSQL database, from the places where PostgreSQL's own programs look: the URL, `PGPASSWORD`,
 * and a file of passwords. The URL or `PGPASSFILE` names that file, or it is in the home folder. It is read before the
 * server starts, which has no rights to such files.
 * Source: PostgreSQL's manual, "The Password File".
 */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readSecretFile } from '../../lib/index.ts';
import type { PostgresSetting, StoreSetting } from '../config/store-setting.ts';
import { serverFault } from '../faults.ts';

/** Undefined when there is none: the server may not ask for one. @throws Fault CONFIG_INVALID */
export function readStorePassword(
  store: StoreSetting,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (store.engine === 'sqlite') return undefined;
  const given = store.password ?? env['PGPASSWORD'];
  if (given !== undefined) return given;
  const named = store.passwordFile ?? env['PGPASSFILE'];
  const text = textOf(named ?? join(env['HOME'] ?? homedir(), '.pgpass'), named !== undefined);
  return text === undefined ? undefined : passwordIn(text, store);
}

/** The password of the first line that matches: `HOST:PORT:DATABASE:USER:PASSWORD`, where `*` matches everything. */
export function passwordIn(
  text: string,
  { host, port, database, user }: Pick<PostgresSetting, 'host' | 'port' | 'database' | 'user'>,
): string | undefined {
  const hosts = host.startsWith('/') ? [host, 'localhost'] : [host];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(([, field = '']) =>
      field.replaceAll(/\\(.)/g, '$1'),
    );
    const [atHost = '', atPort = '', ofDatabase = '', ofUser = '', password = ''] = fields;
    const matches =
      [...hosts, '*'].includes(atHost) &&
      [String(port), '*'].includes(atPort) &&
      [database, '*'].includes(ofDatabase) &&
      [user, '*'].includes(ofUser);
    if (matches && password !== '') return password;
  }
  return undefined;
}

/** @param isNamed by the operator, so it must be there */
function textOf(file: string, isNamed: boolean): string | undefined {
  const found = readSecretFile(file);
  if (!('problem' in found)) return found.text;
  if (found.problem === 'shared') {
    throw serverFault(
      'CONFIG_INVALID',
      `store: other users can read or write the file of passwords ${file}`,
      { hint: `chmod 600 ${file}, and let it belong to root or to the user who starts Ward` },
    );
  }
  if (!isNamed) return undefined;
  throw serverFault('CONFIG_INVALID', `store: the file of passwords can't be read: ${found.why}`, {
    cause: found.cause,
  });
}
