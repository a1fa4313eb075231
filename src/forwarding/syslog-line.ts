/** Messages of syslog (RFC 5424), each behind its length in bytes (RFC 6587, 3.4.1). */
import { hostname } from 'node:os';

export interface SyslogMessage {
  /** 0 to 191: the facility times 8, plus the severity. */
  readonly priority: number;
  /** Epoch microseconds. */
  readonly micros: number;
  /** The kind of message: visible ASCII, at most 32 characters. */
  readonly id?: string;
  readonly data: Readonly<Record<string, string>>;
  readonly text: string;
}

/** The number that IANA reserves for examples, because Ward has none. */
const dataId = 'ward@32473';

export function syslogBytes(messages: readonly SyslogMessage[]): string {
  return messages
    .map(lineOf)
    .map((line) => `${Buffer.byteLength(line)} ${line}`)
    .join('');
}

function lineOf({ priority, micros, id = '-', data, text }: SyslogMessage): string {
  const time = `${new Date(micros / 1000).toISOString().slice(0, -4)}${String(micros % 1_000_000).padStart(6, '0')}Z`;
  const pairs = Object.entries(data).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const host =
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, '-')
      .slice(0, 255) || '-';
  return `<${priority}>1 ${time} ${host} ward - ${id} [${dataId}${pairs.join('')}] ${text}`;
}

/** RFC 5424, 6.3.3. */
function escaped(value: string): string {
  return value.replaceAll(/["\\\]]/g, (character) => `\\${character}`);
}
