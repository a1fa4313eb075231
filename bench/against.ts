/**
 * Measures what a change costs: this checkout and another one alternate in one run. `BENCH_AGAINST` names the other
 * one's folder; run `npm ci` there first.
 */
import { resolve } from 'node:path';
import { Ward } from '../test/ward.ts';
import { putLoad } from './load.ts';
import { median, ms, type Row } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const rounds = { warm: 9, cold: 40 };
const seconds = 4;
const mostWarm = 1.03;
const mostColdMs = 3;

export async function benchAgainst(folder: string): Promise<readonly Row[]> {
  const other = process.env['BENCH_AGAINST'];
  if (other === undefined) return [];
  await using before = await Ward.start({}, undefined, resolve(other, 'bin/ward.mjs'));
  await using after = await Ward.start();
  const both = { before, after };
  for (const ward of Object.values(both)) {
    await ward.raiseLimits();
    await ward.deploy('hello', code);
  }
  const warm = await alternating(rounds.warm, both, (ward) => warmCall(ward, folder));
  const cold = await alternating(rounds.cold, both, coldCall);
  const costMs = cold.after - cold.before;
  return [
    {
      what: 'warm blocking invocation, 1 connection, p50',
      baseline: `the other checkout ${ms(warm.before)}`,
      ward: ms(warm.after),
      result: `${(warm.after / warm.before).toFixed(2)} ×`,
      target: `≤ ${mostWarm} ×`,
      isMet: warm.after / warm.before <= mostWarm,
    },
    {
      what: 'cold start, request to result',
      baseline: `the other checkout ${ms(cold.before)}`,
      ward: ms(cold.after),
      result: `${costMs < 0 ? '−' : '+'} ${ms(Math.abs(costMs))}`,
      target: `≤ + ${mostColdMs} ms`,
      isMet: costMs <= mostColdMs,
    },
  ];
}

interface Pair<T> {
  readonly before: T;
  readonly after: T;
}

/** Medians. The order changes each round, so that what else the machine does hits both. */
async function alternating(
  count: number,
  both: Pair<Ward>,
  measure: (ward: Ward, round: number) => Promise<number>,
): Promise<Pair<number>> {
  const samples = { before: [] as number[], after: [] as number[] };
  for (let round = -1; round < count; round++) {
    const order = round % 2 === 0 ? (['before', 'after'] as const) : (['after', 'before'] as const);
    for (const which of order) {
      const sample = await measure(both[which], round);
      // The first round warms both up.
      if (round >= 0) samples[which].push(sample);
    }
  }
  return { before: median(samples.before), after: median(samples.after) };
}

async function warmCall(ward: Ward, folder: string): Promise<number> {
  const load = await putLoad(
    {
      url: `${ward.url}/api/v1/namespaces/_/actions/hello?blocking=true`,
      headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
      body: '{"name":"World"}',
      connections: 1,
      seconds,
    },
    folder,
  );
  if (load.failed > 0) throw new Error(`${load.failed} of ${load.requests} failed`);
  return load.p50Ms;
}

async function coldCall(ward: Ward, round: number): Promise<number> {
  const name = `cold-${round + 1}`;
  await ward.deploy(name, code);
  const begunAt = performance.now();
  const { status } = await ward.invoke(name, { name: 'World' });
  if (status !== 200) throw new Error(`a cold call was answered with ${status}`);
  return performance.now() - begunAt;
}
