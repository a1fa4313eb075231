/**
 * Operators' commands change or show the data folder on this machine, and ask no server. When the settings name another
 * server, that would be the wrong one, so these commands stop.
 */
import { networkInterfaces } from 'node:os';
import { cliFault } from './faults.ts';
import type { Input } from './input.ts';
import { dataDirOf, defaultApihost, isLoopback, parseApihost, readLocalAddress } from './settings.ts';

/** @throws Fault USAGE */
export function refuseOtherServer(command: string, input: Input, env: NodeJS.ProcessEnv): void {
  // A user who names the folder means that folder.
  if (['data', 'config', 'advisories', 'policy'].some((option) => input.has(option))) return;
  const [source, text] = namedServer(input, env);
  if (text === undefined) return;
  const named = parseApihost(text, source);
  const dataDir = dataDirOf(undefined, env);
  const own = readLocalAddress(dataDir) ?? defaultApihost;
  if (isSameServer(named, own)) return;
  throw cliFault(
    'USAGE',
    `ward ${command} works on the server of ${dataDir} (${own}), and ${source} names another one: ${named}`,
    { hint: `unset ${source}, or name the folder: --data ${dataDir}`.replace('unset --', 'leave out --') },
  );
}

function namedServer(input: Input, env: NodeJS.ProcessEnv): readonly [source: string, text?: string] {
  const flag = input.text('apihost');
  if (flag !== undefined) return ['--apihost', flag];
  for (const name of ['WARD_APIHOST', 'WHISK_APIHOST']) if (env[name]) return [name, env[name]];
  return ['nothing'];
}

/** Also true when it listens at every address of this machine, and `named` is one of them. */
export function isSameServer(named: string, own: string): boolean {
  const [a, b] = [new URL(named), new URL(own)];
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  if (a.hostname === b.hostname || (isLoopback(named) && isLoopback(own))) return true;
  if (!['0.0.0.0', '[::]'].includes(b.hostname)) return false;
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.map(({ address }) => address),
  );
  return isLoopback(named) || addresses.includes(a.hostname.replace(/^\[|\]$/g, ''));
}
