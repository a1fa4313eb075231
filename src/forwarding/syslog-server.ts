/** A syslog server that an operator names: `tls://logs.example.com:6514`. */
import type { Endpoint } from './form.ts';
import { type SyslogMessage, syslogBytes } from './syslog-line.ts';

export interface SyslogServer extends Endpoint {
  /** As it was named. */
  readonly address: string;
}

const usualPorts: Readonly<Record<string, number>> = { 'tls:': 6514, 'tcp:': 601 };

/** Undefined for a text that names none. */
export function parseSyslogServer(text: string): SyslogServer | undefined {
  const url = URL.parse(text);
  const usualPort = url === null ? undefined : usualPorts[url.protocol];
  if (url === null || usualPort === undefined || url.hostname === '') return undefined;
  if (url.username !== '' || url.password !== '' || !/^\/?$/.test(url.pathname)) return undefined;
  if (url.search !== '' || url.hash !== '') return undefined;
  return {
    address: text,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? usualPort : Number(url.port),
    isTls: url.protocol === 'tls:',
  };
}

/**
 * Sends messages over one connection, and returns when the server has closed it in order. Syslog confirms nothing more.
 * @throws Error of the connection, also when the time is over
 */
export async function sendSyslog(
  server: SyslogServer,
  messages: readonly SyslogMessage[],
  signal: AbortSignal,
): Promise<void> {
  const { deliver } = await import('./delivery.ts');
  const message = { type: 'stream', body: syslogBytes(messages) } as const;
  await deliver(message, { endpoint: server, address: server.host, signal });
}
