/** The address on which plain HTTP sends browsers to https. */
import { once } from 'node:events';
import { loadRedirect } from '../../api/index.ts';
import type { Log } from '../../lib/index.ts';
import type { Acme } from '../acme/acme.ts';
import type { Config } from '../config/config.ts';
import type { Certificates } from '../tls/certificates.ts';
import { listenFailed } from './listen.ts';

interface RedirectParts {
  readonly config: Pick<Config, 'tls' | 'apiHost'>;
  /** Of the API. */
  readonly url: string;
  readonly certificates: Certificates;
  readonly acme: Acme | undefined;
  readonly log: Log;
}

export interface Redirect extends Disposable {
  /** Accepts no more connections. */
  leave(): void;
}

/** @returns at once when no such address is set. @throws Fault LISTEN_FAILED */
export async function openRedirect({
  config,
  url,
  certificates,
  acme,
  log,
}: RedirectParts): Promise<Redirect> {
  const address = config.tls?.redirect;
  if (address === undefined) return { leave() {}, [Symbol.dispose]() {} };
  const target = new URL(config.apiHost ?? url);
  const createRedirect = await loadRedirect();
  const server = createRedirect({
    originFor(host) {
      const own = new URL(target);
      if (host !== undefined && certificates.covers(host))
        own.hostname = host.includes(':') ? `[${host}]` : host;
      return own.origin;
    },
    wordOf: async (token) => acme?.wordOf(token),
    onKeyInClear: (from) => log.warn({ address: from }, 'a key came in clear and was refused: replace it'),
  });
  try {
    // During a take-over the Ward that ends has the port too.
    server.listen({ ...address, reusePort: true });
    await once(server, 'listening');
  } catch (cause) {
    throw listenFailed(address, cause);
  }
  const leave = () => void server.close();
  return {
    leave,
    [Symbol.dispose]() {
      leave();
      server.closeAllConnections();
    },
  };
}
