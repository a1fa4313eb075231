/** Sends the logs of activations to where their namespaces want them. */
export { type Destination, ownDestination, parseDestination } from './destination.ts';
export { createForwarder, type ForwardingFailure, type ForwardingSettings } from './forwarder.ts';
export { addUpErrors, type ForwardingError, shownError } from './forwarding-errors.ts';
export type { LogSource } from './log-event.ts';
export type { SyslogMessage } from './syslog-line.ts';
export { parseSyslogServer, type SyslogServer, sendSyslog } from './syslog-server.ts';
