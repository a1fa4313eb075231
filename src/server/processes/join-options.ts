/** What the command line and the environment say about joining a cluster. */
import { serverFault } from '../faults.ts';
import type { JoinRequest } from '../platform/cluster-node.ts';
import type { Role, UpOptions } from './up.ts';

/**
 * Undefined: the node joins no cluster, or has its authority.
 * @throws Fault ROLE_REFUSED when the role needs an address and there is none
 */
export function joinRequestOf(
  { role, join, token }: Pick<UpOptions, 'role' | 'join' | 'token'>,
  env: NodeJS.ProcessEnv = process.env,
): JoinRequest | undefined {
  const urls = join ?? env['WARD_JOIN']?.split(',').filter((url) => url !== '') ?? [];
  // The variable keeps the token out of the list of processes.
  if (urls.length > 0) return { urls, token: token ?? env['WARD_JOIN_TOKEN'] };
  if (role !== 'invoker') return undefined;
  throw roleRefused('ward up --role invoker needs the address of an API node', 'name it: --join URL');
}

/** @throws Fault ROLE_REFUSED: an invoker listens nowhere, so there is nothing to take over */
export function refuseTakeOver({ takeOver }: Pick<UpOptions, 'takeOver'>, role: Exclude<Role, 'all'>): void {
  if (takeOver === true)
    throw roleRefused(`--take-over does not work with --role ${role}`, 'leave one of them out');
}

export function roleRefused(message: string, hint: string) {
  return serverFault('ROLE_REFUSED', message, { hint });
}
