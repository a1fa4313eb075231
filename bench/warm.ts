/** Warm blocking invocations over HTTP, with their records kept, against a bare Fastify echo. */
import { Ward } from '../test/ward.ts';
import { startBare } from './bare-server.ts';
import { type LoadResult, putLoad } from './load.ts';
import { median, ms, type Row } from './table.ts';

const body = '{"name":"World"}';
const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const rounds = 5;
const seconds = 5;

export async function benchWarm(folder: string): Promise<readonly Row[]> {
  await using ward = await Ward.start();
  await ward.raiseLimits();
  await ward.deploy('hello', code);
  await using echo = await startBare('./echo-server.ts');
  const ask = (target: 'echo' | 'ward', connections: number) =>
    target === 'echo'
      ? putLoad({ url: `${echo.url}/echo`, body, connections, seconds }, folder)
      : putLoad(
          {
            url: `${ward.url}/api/v1/namespaces/_/actions/hello?blocking=true`,
            headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
            body,
            connections,
            seconds,
          },
          folder,
        );
  const rows = [];
  for (const connections of [1, 32]) {
    await ask('ward', connections);
    const results = { echo: [] as LoadResult[], ward: [] as LoadResult[] };
    for (let round = 0; round < rounds; round++) {
      for (const target of ['echo', 'ward'] as const) {
        const result = await ask(target, connections);
        if (result.failed > 0) throw new Error(`${target}: ${result.failed} of ${result.requests} failed`);
        results[target].push(result);
      }
    }
    rows.push(connections === 1 ? latencyRow(results) : throughputRow(results));
  }
  return rows;
}

type Results = Readonly<Record<'echo' | 'ward', readonly LoadResult[]>>;

function latencyRow({ echo, ward }: Results): Row {
  const [bare, ours] = [echo, ward].map((results) => median(results.map(({ p50Ms }) => p50Ms)));
  const ratio = (ours ?? 0) / (bare ?? 1);
  return {
    what: 'warm blocking invocation, 1 connection, p50',
    baseline: `Fastify echo ${ms(bare ?? 0)}`,
    ward: ms(ours ?? 0),
    result: `${ratio.toFixed(2)} ×`,
    target: '≤ 3 ×',
    isMet: ratio <= 3,
  };
}

function throughputRow({ echo, ward }: Results): Row {
  const [bare, ours] = [echo, ward].map((results) => median(results.map(({ perSecond }) => perSecond)));
  const share = (ours ?? 0) / (bare ?? 1);
  return {
    what: 'warm blocking invocations, 32 connections, a second',
    baseline: `Fastify echo ${Math.round(bare ?? 0)}`,
    ward: `${Math.round(ours ?? 0)}`,
    result: `${Math.round(share * 100)} %`,
    target: '≥ 30 %',
    isMet: share >= 0.3,
  };
}
