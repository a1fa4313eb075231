/** A node that runs actions is killed: how soon callers of lost calls know, and how long the calls of others take. */
import { median, ms, quantile, type Row } from '../table.ts';
import { type Call, callFor, sleeping } from './clients.ts';
import { type Site, warmUp } from './site.ts';

const rounds = 3;
const callMs = 50;
const actions = Array.from({ length: 6 }, (_, at) => `sleep-${at}`);
const spans = { beforeMs: 6_000, killAtMs: 1_000, afterMs: 10_000 };
const targets = { knownMs: 3_000, p99: 2 };

interface Round {
  /** From the kill to the last answer of a call that was lost. */
  readonly knownMs: number;
  readonly p99: { readonly before: number; readonly after: number };
}

export async function lostNodeRows(site: Site): Promise<readonly Row[]> {
  const found: Round[] = [];
  for (let round = 0; round < rounds; round++) found.push(await killOne(site));
  const knownMs = Math.max(...found.map((each) => each.knownMs));
  const before = median(found.map(({ p99 }) => p99.before));
  const after = median(found.map(({ p99 }) => p99.after));
  return [
    {
      what: 'one of two nodes `all` is killed: its callers know after at most',
      baseline: '–',
      ward: ms(knownMs),
      result: ms(knownMs),
      target: `≤ ${targets.knownMs / 1000} s`,
      isMet: knownMs <= targets.knownMs,
    },
    {
      what: 'calls on the other node for 9 s from then on, p99',
      baseline: `before ${ms(before)}`,
      ward: ms(after),
      result: `${(after / before).toFixed(2)} ×`,
      target: `≤ ${targets.p99} ×`,
      isMet: after <= before * targets.p99,
    },
  ];
}

/** Every client has an action of its own, and there is room for all of them on each node. */
async function killOne(site: Site): Promise<Round> {
  await using cluster = await site.cluster([
    { name: 'api', role: 'api' },
    ...['a', 'b'].map((name) => ({ name, role: 'all' as const, memoryMiB: 2048 })),
  ]);
  const { ward } = cluster.node('api');
  for (const action of actions) await warmUp(ward, action, sleeping(callMs));
  const clients = actions.map((action) => ({ action, server: () => ward }));
  const before = await callFor(clients, spans.beforeMs);
  const calling = callFor(clients, spans.afterMs);
  await new Promise((resolve) => setTimeout(resolve, spans.killAtMs));
  const killedAt = performance.now();
  await cluster.node('b').ward.kill();
  const after = await calling;
  const lost = after.filter(({ status, begunAt }) => status !== 200 && begunAt < killedAt);
  const knownMs = Math.max(0, ...lost.map(({ begunAt, ms }) => begunAt + ms - killedAt));
  const later = after.filter(({ begunAt, status }) => begunAt > killedAt && status === 200);
  return { knownMs, p99: { before: p99Of(before), after: p99Of(later) } };
}

function p99Of(calls: readonly Call[]): number {
  return quantile(
    calls.map((call) => call.ms),
    0.99,
  );
}
