/**
 * A machine and its internet, for tests of egress: two network namespaces connected by a pair of devices, with Ward's
 * sandboxes in the first. The lab does not touch the host's network, and all of it ends with its two processes.
 *
 *   203.0.113.1, 2001:db8:1::1  ──  "the internet"  every other address
 */
import { once } from 'node:events';
import { join } from 'node:path';
import type { Traffic } from '../../egress/index.ts';
import { startCommand } from '../../lib/index.ts';

/** Records by name. */
export type Zone = Readonly<Record<string, readonly ZoneRecord[]>>;

export interface ZoneRecord {
  readonly name: string;
  readonly type: 'A' | 'AAAA' | 'CNAME';
  readonly data: string;
  readonly ttl: number;
}

export interface LabProgram {
  /** The namespace that it belongs to; programs without one share a namespace. */
  readonly tenant?: string;
  /** Rules as in an annotation. */
  readonly egress: unknown;
  /** Rules as in `sandbox.allow.egress`. */
  readonly allowed: unknown;
  readonly limits?: Readonly<Record<string, number>>;
  readonly runtime?: 'crun' | 'runc' | 'runsc';
  readonly capAdd?: readonly string[];
  /** Run in a root that has the machine's /usr. */
  readonly args: readonly string[];
  /** Starts it and waits only for its first output. */
  readonly stays?: boolean;
}

export interface LabOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  /** At its end. */
  readonly traffic: Traffic | undefined;
  /** Details of `egress` violations, in order. */
  readonly violations: readonly string[];
}

export type LabOrder =
  | { readonly id: number; readonly order: 'run'; readonly program: LabProgram }
  | { readonly id: number; readonly order: 'zone'; readonly zone: Zone }
  | { readonly id: number; readonly order: 'shell'; readonly script: string }
  | { readonly id: number; readonly order: 'end' }
  | { readonly id: number; readonly order: 'close' };

export interface Lab {
  run(program: LabProgram): Promise<LabOutcome>;
  /** Sets the answers of the name server; resolves to the questions that it received since the last call. */
  setZone(zone: Zone): Promise<readonly string[]>;
  /** Runs a script on "the host" as root; resolves to its output. */
  shell(script: string): Promise<string>;
  /** Ends the programs that stay. */
  end(): Promise<void>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const program = join(import.meta.dirname, 'egress-lab-host.ts');
  const child = startCommand(['unshare', '--net', '--', process.execPath, program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: process.env,
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let count = 0;
  const ready = Promise.withResolvers<unknown>();
  waiting.set(0, ready);
  child.on('message', (reply: { readonly id: number; readonly value?: unknown; readonly error?: string }) => {
    const waiter = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) waiter?.resolve(reply.value);
    else waiter?.reject(new Error(reply.error));
  });
  const ended = once(child, 'close').then(() => {
    for (const { reject } of waiting.values()) reject(new Error('the lab has ended'));
  });
  const ask = (order: object): Promise<unknown> => {
    const id = ++count;
    const waiter = Promise.withResolvers<unknown>();
    waiting.set(id, waiter);
    child.send({ id, ...order });
    return waiter.promise;
  };
  await ready.promise;
  return {
    run: async (described) => (await ask({ order: 'run', program: described })) as LabOutcome,
    setZone: async (zone) => (await ask({ order: 'zone', zone })) as string[],
    shell: async (script) => String(await ask({ order: 'shell', script })),
    end: async () => void (await ask({ order: 'end' })),
    async close() {
      await ask({ order: 'close' });
      await ended;
    },
  };
}
