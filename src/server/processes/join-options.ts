/** What the command line and the environment say about joining a cluster. */
import { readSecretFile } from '../../lib/index.ts';
import { serverFault } from '../faults.ts';
import type { JoinRequest } from '../platform/cluster-node.ts';
import type { Role, UpOptions } from './up.ts';

/**
 * Undefined: the node joins no cluster, or has its authority.
 * @throws Fault ROLE_REFUSED when the role needs an address and there is none; FLAG_INVALID: the token can't be read
 */
export function joinRequestOf(
  { role, join, token, tokenFile }: Pick<UpOptions, 'role' | 'join' | 'token' | 'tokenFile'>,
  env: NodeJS.ProcessEnv = process.env,
): JoinRequest | undefined {
  const urls = join ?? env['WARD_JOIN']?.split(',').filter((url) => url !== '') ?? [];
  // The variable keeps the token out of the list of processes, and the file out of the environment, too.
  const given = () => token ?? (tokenFile === undefined ? env['WARD_JOIN_TOKEN'] : tokenIn(tokenFile));
  if (urls.length > 0) return { urls, token: given() };
  if (role !== 'invoker') return undefined;
  throw roleRefused('ward up --role invoker needs the address of an API node', 'name it: --join URL');
}

/** Undefined: the file is empty, as that of a node which has joined may be. */
function tokenIn(file: string): string | undefined {
  const found = readSecretFile(file);
  if (!('problem' in found)) return found.text.trim() || undefined;
  const hint =
    found.problem === 'shared'
      ? `chmod 600 ${file}, and let it belong to root or to the user who starts Ward`
      : 'name a file with the token, or an empty one for a node that has joined';
  throw serverFault('FLAG_INVALID', `--token-file ${file}: ${found.why}`, { hint, cause: found.cause });
}

/** @throws Fault ROLE_REFUSED: an invoker listens nowhere, so there is nothing to take over */
export function refuseTakeOver({ takeOver }: Pick<UpOptions, 'takeOver'>, role: Exclude<Role, 'all'>): void {
  if (takeOver === true)
    throw roleRefused(`--take-over does not work with --role ${role}`, 'leave one of them out');
}

export function roleRefused(message: string, hint: string) {
  return serverFault('ROLE_REFUSED', message, { hint });
}
