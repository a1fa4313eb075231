/**
 * Warm blocking invocations without tracing, and with one trace of a hundred exported. The target is for the server's
 * processor time for a call, which changes less than its latency when other programs run.
 */
import { startReceiver } from '../src/forwarding/receiver.fixture.ts';
import { Ward } from '../test/ward.ts';
import { putLoad } from './load.ts';
import { median, ms, type Row, rangeOfMedian } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
/** Two processes of the same program differ by some percent for as long as they run, so one pair tells little. */
const pairs = Number(process.env['TRACING_PAIRS'] ?? 24);
/** The engine's compilers need some ten thousand calls. */
const warmSeconds = 6;
const seconds = 6;
const most = 1.02;

interface Figures {
  readonly p50Ms: number;
  readonly processorMs: number;
}

interface Pair {
  readonly baseline: Figures;
  readonly traced: Figures;
}

/** The target is neither met nor missed while it lies in the range of what the pairs allow. */
export async function benchTracing(folder: string): Promise<readonly Row[]> {
  await using collector = await startReceiver();
  const tracing = { endpoint: `http://127.0.0.1:${collector.port}`, ratio: 0.01 };
  const all: Pair[] = [];
  while (all.length < pairs) all.push(await compare({ tracing }, all.length % 2 === 0, folder));
  if (collector.received.length === 0) throw new Error('no trace was exported');
  const [least, greatest] = rangeOfMedian(ratiosOf(all, 'processorMs'));
  return [
    {
      ...rowOf('processor time of the server', all, 'processorMs'),
      target: `≤ ${most} ×`,
      isMet: greatest <= most ? true : least > most ? false : undefined,
    },
    rowOf('1 connection, p50', all, 'p50Ms'),
  ];
}

function rowOf(what: string, of: readonly Pair[], figure: keyof Figures): Row {
  const ratios = ratiosOf(of, figure);
  const [least, greatest] = rangeOfMedian(ratios).map((each) => each.toFixed(3));
  return {
    what: `warm blocking invocation with tracing at 1 %, ${what}`,
    baseline: `without ${ms(median(of.map(({ baseline }) => baseline[figure])))}`,
    ward: ms(median(of.map(({ traced }) => traced[figure]))),
    result: `${median(ratios).toFixed(3)} × (${least} to ${greatest}, of ${of.length} pairs)`,
    target: 'reported',
    isMet: undefined,
  };
}

function ratiosOf(of: readonly Pair[], figure: keyof Figures): readonly number[] {
  return of.map(({ baseline, traced }) => traced[figure] / baseline[figure]);
}

/** Both get their calls at the same time, so that a slow moment of the machine hits both. */
async function compare(config: object, isBaselineFirst: boolean, folder: string): Promise<Pair> {
  const configs = isBaselineFirst ? [{}, config] : [config, {}];
  await using first = await Ward.start(configs[0]);
  await using second = await Ward.start(configs[1]);
  const both = [first, second];
  for (const ward of both) {
    await ward.raiseLimits();
    await ward.deploy('hello', code);
  }
  const askBoth = (seconds: number) => Promise.all(both.map((ward) => ask(ward, seconds, folder)));
  await askBoth(warmSeconds);
  const figures = await askBoth(seconds);
  const [baseline, traced] = isBaselineFirst ? figures : figures.toReversed();
  if (baseline === undefined || traced === undefined) throw new Error('a server has no figures');
  return { baseline, traced };
}

async function ask(ward: Ward, seconds: number, folder: string): Promise<Figures> {
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
