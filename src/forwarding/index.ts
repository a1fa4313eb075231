/** Sends the logs of activations to where their namespaces want them. */
export { type Destination, ownDestination, parseDestination } from './destination.ts';
export { createForwarder, type Forwarder } from './forwarder.ts';
export type { LogSource } from './log-event.ts';
export type { SyslogMessage } from './syslog-line.ts';
export { parseSyslogServer, type SyslogServer, sendSyslog } from './syslog-server.ts';
