/** The address that the platform listens on. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { createApi } from '../api/index.ts';
import { errnoOf } from '../lib/index.ts';
import type { Address } from './config.ts';
import { serverFault } from './faults.ts';

/** How long answers that were sent may take to be read once Ward stops. */
const unreadMs = 3000;

/**
 * Listens for a moment, so that a busy address is told before anything is made on the machine.
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

/** @returns the URL. @throws Fault LISTEN_FAILED */
export async function listen(api: ReturnType<typeof createApi>, address: Address): Promise<string> {
  try {
    return await api.listen(address);
  } catch (cause) {
    throw listenFailed(address, cause);
  }
}

/** A client that does not read its answer would hold it open for as long as it likes. */
export async function closeConnections(api: ReturnType<typeof createApi>): Promise<void> {
  const timer = setTimeout(() => api.server.closeAllConnections(), unreadMs);
  try {
    await api.close();
  } finally {
    clearTimeout(timer);
  }
}

function listenFailed({ host, port }: Address, cause: unknown) {
  const why = errnoOf(cause) === 'EADDRINUSE' ? 'another program listens there' : String(cause);
  return serverFault('LISTEN_FAILED', `can't listen on ${host}:${port}: ${why}`, {
    hint: 'stop what listens there (ss -ltnp shows it), or choose another address with --listen HOST:PORT',
    cause,
  });
}
