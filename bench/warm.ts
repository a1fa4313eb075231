/** Warm blocking invocations over HTTP, with their records kept, against a bare Fastify echo. */
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startCommand } from '../src/lib/index.ts';
import { Ward } from '../test/ward.ts';
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
  await using echo = await startEcho();
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

async function startEcho(): Promise<AsyncDisposable & { readonly url: string }> {
  const script = fileURLToPath(new URL('./echo-server.ts', import.meta.url));
  const child = startCommand([process.execPath, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    const url = line.split(' ')[1];
    if (line.startsWith('ready') && url) {
      return {
        url,
        async [Symbol.asyncDispose]() {
          child.kill();
        },
      };
    }
  }
  throw new Error('the echo server ended before it was ready');
}
