/** Clients that each make one call after the other. Their calls sleep, so the processors are not the limit. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ward } from '../../test/ward.ts';

export interface Call {
  /** By performance.now. */
  readonly begunAt: number;
  readonly ms: number;
  readonly status: number;
}

export interface Client {
  readonly action: string;
  /** The server that gets its next call. */
  server(): Ward;
}

/** @returns every call that ended while they ran */
export async function callFor(clients: readonly Client[], forMs: number): Promise<readonly Call[]> {
  const calls: Call[] = [];
  const until = performance.now() + forMs;
  const run = async ({ action, server }: Client) => {
    while (performance.now() < until) {
      const begunAt = performance.now();
      const { status } = await server().invoke(action);
      calls.push({ begunAt, ms: performance.now() - begunAt, status });
      // A refusal would otherwise be repeated without a pause.
      if (status !== 200) await pause(10);
    }
  };
  await Promise.all(clients.map(run));
  return calls;
}

export function sleeping(ms: number): string {
  return `const main = () => new Promise((done) => setTimeout(() => done({}), ${ms}))`;
}
