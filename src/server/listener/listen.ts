/** The address that the platform listens on. */
import { once } from 'node:events';
import { createServer, Server as NetServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { createApi, TlsFront } from '../../api/index.ts';
import { errnoOf } from '../../lib/index.ts';
import type { Address } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { type KeyPair, urlNamedIn } from '../tls/key-pair.ts';

/** Time that clients have to read their answers when Ward stops. */
const unreadMs = 3000;
/** A client that has been idle for this long will not send a request soon. */
const lastAnswersMs = 1000;

/**
 * Listens for a moment, so that a busy address fails before Ward changes anything on the machine.
 * @throws Fault LISTEN_FAILED
 */
export async function probeAddress(address: Address): Promise<void> {
  const probe = createServer();
  try {
    probe.listen({ ...address, exclusive: true });
    await once(probe, 'listening');
  } catch (cause) {
    throw listenFailed(address, cause);
  }
  probe.close();
  await once(probe, 'close');
}

/**
 * @param descriptor of a socket that already listens there
 * @param keyPair of a server that speaks TLS
 * @returns the URL. @throws Fault LISTEN_FAILED
 */
export async function listen(
  api: ReturnType<typeof createApi>,
  address: Address,
  descriptor?: number,
  keyPair?: KeyPair,
): Promise<string> {
  try {
    const inherited = { ...address, fd: descriptor };
    const where: Address = descriptor === undefined ? address : inherited;
    const url = await api.listen(where);
    return keyPair === undefined ? url : urlNamedIn(keyPair.cert, url);
  } catch (cause) {
    throw listenFailed(address, cause);
  }
}

/**
 * Stops accepting connections, because another process does. Open connections are served a moment longer, so that an
 * answer tells clients that theirs ends, and no connection is closed while a request is on its way.
 */
export async function leaveListener(
  { server }: ReturnType<typeof createApi>,
  front?: TlsFront,
): Promise<void> {
  const closed = once(server, 'close');
  // `close` of http.Server would close idle connections at once.
  NetServer.prototype.close.call(server);
  front?.leave();
  // The next request on a connection is its last. Answers to requests under way end theirs by themselves.
  server.maxRequestsPerSocket = 1;
  await Promise.race([closed, delay(lastAnswersMs, undefined, { ref: false })]);
  server.closeIdleConnections();
}

/** Disconnects clients that do not read their answers and could keep their connections open for ever. */
export async function closeConnections(api: ReturnType<typeof createApi>, front?: TlsFront): Promise<void> {
  const timer = setTimeout(() => {
    api.server.closeAllConnections();
    front?.end();
  }, unreadMs);
  try {
    await api.close();
  } finally {
    clearTimeout(timer);
  }
}

export function listenFailed({ host, port }: Address, cause: unknown) {
  const why = errnoOf(cause) === 'EADDRINUSE' ? 'another program listens there' : String(cause);
  return serverFault('LISTEN_FAILED', `can't listen on ${host}:${port}: ${why}`, {
    hint: 'stop what listens there (ss -ltnp shows it), or choose another address with --listen HOST:PORT',
    cause,
  });
}
