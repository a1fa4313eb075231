/**
 * How an action's code reaches the API of its platform: through a port of its sandbox's own loopback if the action
 * gets a key, otherwise at the public address, if its sandbox may connect there.
 */
import type { JobTarget } from '../../dispatch/index.ts';
import type { OperatorPolicy, SandboxPolicy, ServePort } from '../../sandbox/index.ts';
import type { SlotSources } from './slot.ts';

export interface ApiAccess {
  /** `__OW_API_HOST`. */
  readonly host: () => string;
  /** Undefined: the sandbox has no such port. */
  readonly port: ServePort | undefined;
}

/** The port of OpenWhisk's own single-machine servers. */
const port = 3233;
const insideUrl = `http://127.0.0.1:${port}`;
const connections = 64;

export function apiAccess(
  { namespace, providesApiKey }: Pick<JobTarget, 'namespace' | 'providesApiKey'>,
  policy: SandboxPolicy,
  {
    operator,
    apiHost,
    onApiConnection,
  }: Pick<SlotSources, 'apiHost' | 'onApiConnection'> & { readonly operator: OperatorPolicy },
): ApiAccess {
  // gVisor's loopback is in a kernel of its own, which the host cannot enter.
  const canServe = operator.ceiling.api && policy.runtime !== 'runsc';
  if (providesApiKey !== true || onApiConnection === undefined || !canServe) {
    return { host: apiHost, port: undefined };
  }
  const onConnection: ServePort['onConnection'] = (socket) => onApiConnection({ socket, namespace });
  return { host: () => insideUrl, port: { port, connections, onConnection } };
}
