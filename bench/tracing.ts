/**
 * Warm blocking invocations without tracing, and with one trace of a hundred exported. The target is for the server's
 * processor time for a call, which changes less than its latency when other programs run.
 */
import { startReceiver } from '../src/forwarding/receiver.fixture.ts';
import { Ward } from '../test/ward.ts';
import { putLoad } from './load.ts';
import { median, ms, type Row } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const rounds = Number(process.env['TRACING_ROUNDS'] ?? 15);
const seconds = 3;

interface Figures {
  readonly p50Ms: number;
  readonly processorMs: number;
}

/** Both servers run at the same time, and each round asks both, so that a slow minute of the machine hits both. */
export async function benchTracing(folder: string): Promise<readonly Row[]> {
  await using collector = await startReceiver();
  await using off = await Ward.start();
  const endpoint = `http://127.0.0.1:${collector.port}`;
  await using on = await Ward.start({ tracing: { endpoint, ratio: 0.01 } });
  for (const ward of [off, on]) {
    await ward.raiseLimits();
    await ward.deploy('hello', code);
    await ask(ward, folder);
  }
  const pairs: { readonly off: Figures; readonly on: Figures }[] = [];
  for (let round = 0; round < rounds; round++) {
    // The order changes with each round.
    const first = await ask(round % 2 === 0 ? off : on, folder);
    const second = await ask(round % 2 === 0 ? on : off, folder);
    pairs.push(round % 2 === 0 ? { off: first, on: second } : { off: second, on: first });
  }
  if (collector.received.length === 0) throw new Error('no trace was exported');
  const row = (what: string, figure: keyof Figures, most: number | undefined): Row => {
    const ratio = median(pairs.map((pair) => pair.on[figure] / pair.off[figure]));
    return {
      what: `warm blocking invocation with tracing at 1 %, ${what}`,
      baseline: `without ${ms(median(pairs.map((pair) => pair.off[figure])))}`,
      ward: ms(median(pairs.map((pair) => pair.on[figure]))),
      result: `${ratio.toFixed(3)} ×`,
      target: most === undefined ? 'reported' : `≤ ${most} ×`,
      isMet: most === undefined ? undefined : ratio <= most,
    };
  };
  return [
    row('processor time of the server', 'processorMs', 1.02),
    row('1 connection, p50', 'p50Ms', undefined),
  ];
}

async function ask(ward: Ward, folder: string): Promise<Figures> {
  const url = `${ward.url}/api/v1/namespaces/_/actions/hello?blocking=true`;
  const headers = { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` };
  const before = await processorSeconds(ward);
  const result = await putLoad({ url, headers, body: '{"name":"World"}', connections: 1, seconds }, folder);
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} failed`);
  const processorMs = ((await processorSeconds(ward)) - before) * 1000;
  return { p50Ms: result.p50Ms, processorMs: processorMs / result.requests };
}

async function processorSeconds(ward: Ward): Promise<number> {
  const { body } = await ward.request('GET', '/metrics');
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(body)?.[1]);
}
