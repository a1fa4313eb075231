/**
 * A refusal as one line for people, and back. The name in it is the sandbox's, and another node of a cluster can send any
 * line: what doesn't read as one of these is no refusal with a target.
 */

/** What was refused to a sandbox. */
export interface Refusal {
  /** A name in lower case, or an address. */
  readonly target: string;
  /** 0 if there is none. */
  readonly port: number;
  /** `dns`: a question about the name, or the answer to it. */
  readonly protocol: string;
  readonly why: string;
}

type Packet = Pick<Refusal, 'port' | 'protocol'> & { readonly address: string };

/** Of a packet. */
export function refusedPacket({ protocol, address, port }: Packet, why: string): string {
  return `${protocol} ${address.includes(':') ? `[${address}]` : address}${port === 0 ? '' : `:${port}`}: ${why}`;
}

/** Of a name, which no rule covers or which can't be opened. */
export function refusedName(name: string, why: string): string {
  return `name ${name}: ${why}`;
}

/** Of one address that a name leads to. */
export function refusedAnswer(name: string, address: string, why: string): string {
  return `name ${name} leads to ${address}: ${why}`;
}

/** Longest reason; the numbers of a limit are left out. */
const mostWhy = 60;

const nameForm = /^name (\S{1,253}?)(?: leads to [0-9a-f.:]{2,45})?: (.+)$/s;
const packetForm =
  /^(tcp|udp|protocol \w{1,10}) (?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::(\d{1,5}))?: (.+)$/s;

/** Undefined: it has no target that can be told, such as a very long name, which is cut. */
export function parseRefusal(detail: string): Refusal | undefined {
  const why = (text = '') => text.replace(/ \(.*$/s, '').slice(0, mostWhy);
  const [, name, ofName] = nameForm.exec(detail) ?? [];
  if (name !== undefined) return { target: name.toLowerCase(), port: 0, protocol: 'dns', why: why(ofName) };
  const [, protocol, ipv6, ipv4, port = '0', ofPacket] = packetForm.exec(detail) ?? [];
  const target = ipv6 ?? ipv4;
  if (protocol === undefined || target === undefined || Number(port) > 65_535) return undefined;
  return { target, port: Number(port), protocol, why: why(ofPacket) };
}
