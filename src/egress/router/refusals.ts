/**
 * Reports what the packet filter refuses, and which connections it lets through, as it happens: `nft monitor trace` in
 * the router prints each packet that a rule marks. Its lines hold numbers and names of Ward's own chains, and nothing that a sandbox writes.
 */
import { createInterface } from 'node:readline';
import { startCommand } from '../../lib/index.ts';
import { endOf, inNamespace, programEnv } from '../programs.ts';

export interface TracedPacket {
  /** Undefined: one of Ward's own marks. */
  readonly slot: number | undefined;
  /**
   * The destination is not open, a limit was exceeded, or the packet has a form that is not allowed; `new`: it passed,
   * and opened a connection.
   */
  readonly reason: 'closed' | 'limit' | 'form' | 'new';
  readonly address: string;
  /** `tcp`, `udp`, or the number of another protocol. */
  readonly protocol: string;
  /** 0 for a protocol without ports. */
  readonly port: number;
}

export interface TraceReader {
  /** Settles with how the monitor ended. */
  readonly ended: Promise<string>;
  end(): Promise<void>;
}

const protocols: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp', tcp: 'tcp', udp: 'udp' };

const reasons: Readonly<Record<string, TracedPacket['reason']>> = {
  r: 'closed',
  l: 'limit',
  f: 'form',
  n: 'new',
};

export function readTraces(namespace: string, onPacket: (packet: TracedPacket) => void): TraceReader {
  const child = startCommand(inNamespace(namespace, ['nft', '--numeric', 'monitor', 'trace']), {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: programEnv,
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const packet = parseTrace(line);
      if (packet) onPacket(packet);
    });
  }
  const ended = endOf(child);
  return {
    ended,
    async end() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/**
 * Parses one line of `nft --numeric monitor trace`; undefined when it shows no packet. Ignores devices, because nft
 * knows only the names of those that existed when it started.
 */
export function parseTrace(line: string): TracedPacket | undefined {
  const chain = /^trace id [0-9a-f]+ inet ward (\w+) packet: /.exec(line)?.[1];
  const address = / ip6? daddr ([0-9a-f:.]+)/.exec(line)?.[1];
  if (chain === undefined || address === undefined) return undefined;
  const number = / (?:ip protocol|ip6 nexthdr) (\w+)/.exec(line)?.[1] ?? '';
  const port = / (?:tcp|udp) dport (\d+)/.exec(line)?.[1];
  const [, letter = 'r', slot] = /^([rlfn])([1-9]\d{0,4})$/.exec(chain) ?? [];
  return {
    slot: slot === undefined ? undefined : Number(slot),
    reason: reasons[letter] ?? 'closed',
    address,
    protocol: protocols[number] ?? `protocol ${number}`,
    port: port === undefined ? 0 : Number(port),
  };
}
