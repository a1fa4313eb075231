/** An address to listen on. */
import { serverFault } from '../faults.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`, `:PORT`, `[::1]:PORT`. @throws Fault CONFIG_INVALID */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65535) {
    throw serverFault('CONFIG_INVALID', `'${text}' is not an address to listen on`, {
      hint: 'write HOST:PORT, for example 127.0.0.1:3233',
    });
  }
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
