/**
 * How an action's code reaches the API of the platform that runs it: by a port of its sandbox's own loopback when the
 * action is given a key, else by the address that the world has, as far as its sandbox may go there.
 */
import type { JobTarget } from '../../dispatch/index.ts';
import type { OperatorPolicy, SandboxPolicy, ServePort } from '../../sandbox/index.ts';
import type { SlotSources } from './slot.ts';

export interface ApiAccess {
  /** `__OW_API_HOST`. */
  readonly host: () => string;
  /** Undefined: the sandbox has no port for it. */
  readonly port: ServePort | undefined;
}

/** The same port as that of OpenWhisk's own servers for one machine. */
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
  // gVisor's loopback is in a kernel of its own, which nothing of the host can enter.
  const canServe = operator.ceiling.api && policy.runtime !== 'runsc';
  if (providesApiKey !== true || onApiConnection === undefined || !canServe) {
    return { host: apiHost, port: undefined };
  }
  const onConnection: ServePort['onConnection'] = (socket) => onApiConnection({ socket, namespace });
  return { host: () => insideUrl, port: { port, connections, onConnection } };
}
