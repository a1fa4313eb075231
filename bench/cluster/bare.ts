/**
 * Measures what NATS itself adds to a call. One Fastify asks another bare process over NATS, and one answers alone. Ward could
 * save what its hop takes beyond that.
 */
import type { Engines } from '../../test/cluster/engines.ts';
import { type BareServer, startBare } from '../bare-server.ts';
import { putLoad } from '../load.ts';
import { median, ms, type Row } from '../table.ts';
import { cpuMs } from './hop.ts';

const rounds = 5;
const seconds = 3;

interface Sample {
  readonly p50Ms: number;
  readonly cpuMs: number;
}

export async function bareHopRows({ settings }: Engines, folder: string): Promise<readonly Row[]> {
  await using alone = await startBare('./echo-server.ts');
  await using answering = await startBare('./cluster/bare-hop.ts', [settings.bus, 'answer']);
  await using asking = await startBare('./cluster/bare-hop.ts', [settings.bus]);
  const samples = { one: [] as Sample[], two: [] as Sample[] };
  for (let round = -1; round < rounds; round++) {
    const [one, two] = [await callsOf([alone], folder), await callsOf([asking, answering], folder)];
    // The first round warms both up.
    if (round < 0) continue;
    samples.one.push(one);
    samples.two.push(two);
  }
  const [one, two] = [medianOf(samples.one), medianOf(samples.two)];
  const what = 'a request over the same NATS by bare processes, for a call of Fastify';
  return [
    row(`${what}, p50`, one.p50Ms, two.p50Ms, `+ ${ms(two.p50Ms - one.p50Ms)}`),
    row(
      'processor time of the bare processes for it',
      one.cpuMs,
      two.cpuMs,
      `+ ${ms(two.cpuMs - one.cpuMs)}`,
    ),
  ];
}

async function callsOf(servers: readonly BareServer[], folder: string): Promise<Sample> {
  const total = () => servers.reduce((sum, { pid }) => sum + cpuMs(pid), 0);
  const before = total();
  const load = { url: `${servers[0]?.url}/echo`, body: '{"name":"World"}', connections: 1, seconds };
  const { requests, failed, p50Ms } = await putLoad(load, folder);
  if (failed > 0) throw new Error(`${failed} of ${requests} calls failed`);
  return { p50Ms, cpuMs: (total() - before) / requests };
}

function medianOf(samples: readonly Sample[]): Sample {
  return {
    p50Ms: median(samples.map(({ p50Ms }) => p50Ms)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
  };
}

/** Neither side is Ward's. */
function row(what: string, alone: number, asked: number, result: string): Row {
  const baseline = `without it ${ms(alone)}, with it ${ms(asked)}`;
  return { what, baseline, ward: '–', result, target: '–', isMet: undefined };
}
