/**
 * Measures what NATS adds when a node of role `api` gives a warm call to one of role `all`: its time, and the processor time of
 * Ward's own processes. It also measures how many calls a second an API node accepts durably.
 */
import { readFileSync } from 'node:fs';
import type { Cluster } from '../../test/cluster/cluster.ts';
import { wardsBelow } from '../../test/processes.ts';
import type { Ward } from '../../test/ward.ts';
import { type Load, type LoadResult, putLoad } from '../load.ts';
import { median, ms, type Row } from '../table.ts';
import { type Site, warmUp } from './site.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const rounds = 5;
const seconds = 5;
/** Node compiles during about as many calls, and a call then takes more time. Both sides make them first. */
const warmCalls = 30_000;
/** As many as there are sandboxes. */
const warmConnections = 4;
/** Between two calls, so that one process makes as many a second as two. */
const pauseMs = 3;
const targets = { addedMs: 0.5, processorTime: 2, acceptedPerSecond: 3_000 };
const acceptingConnections = 64;

interface Sample {
  readonly p50Ms: number;
  /** Of Ward's processes, for each call. */
  readonly cpuMs: number;
}

export async function hopRows(site: Site, folder: string): Promise<readonly Row[]> {
  await using one = await site.cluster([{ name: 'one', role: 'all' }]);
  await using two = await site.cluster([
    { name: 'api', role: 'api' },
    { name: 'invoker', role: 'all' },
  ]);
  const [single, api] = [one.node('one').ward, two.node('api').ward];
  for (const ward of [single, api]) {
    await warmUp(ward, 'hello', code);
    await makeCalls(ward, folder, warmCalls);
  }
  const samples = { one: [] as Sample[], two: [] as Sample[] };
  const paused = { one: [] as Sample[], two: [] as Sample[] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, cluster, ward] of [
      ['one', one, single],
      ['two', two, api],
    ] as const) {
      samples[name].push(await callsOf(cluster, ward, folder));
      paused[name].push(await callsOf(cluster, ward, folder, pauseMs));
    }
  }
  const accepted: number[] = [];
  for (let round = 0; round < rounds; round++) accepted.push(await acceptedBy(api, folder));
  return [
    latencyRow('warm blocking call through a node `api`, run by a node `all`, p50', samples),
    processorRow('processor time of Ward for such a call', samples),
    latencyRow(`the same with ${pauseMs} ms between two calls, p50`, paused),
    processorRow('processor time of Ward for a call with this pause', paused),
    acceptedRow(median(accepted)),
  ];
}

async function makeCalls(ward: Ward, folder: string, count: number): Promise<void> {
  for (let made = 0; made < count; )
    made += (await load(ward, folder, { blocking: true, connections: warmConnections })).requests;
}

async function callsOf(cluster: Cluster, ward: Ward, folder: string, pauseMs?: number): Promise<Sample> {
  const before = cpuMsOf(cluster);
  const { requests, p50Ms } = await load(ward, folder, { blocking: true, connections: 1, pauseMs });
  return { p50Ms, cpuMs: (cpuMsOf(cluster) - before) / requests };
}

async function acceptedBy(ward: Ward, folder: string): Promise<number> {
  const { perSecond } = await load(ward, folder, { blocking: false, connections: acceptingConnections });
  await ward.until(async () => {
    const { stdout } = await ward.cli(['node', 'list', '-o', 'json', '--data', ward.dataDir], {
      WARD_CONFIG: `${ward.dataDir}/config.yaml`,
    });
    const { queue } = JSON.parse(stdout);
    return queue.waiting + queue.begun === 0;
  });
  return perSecond;
}

async function load(
  ward: Ward,
  folder: string,
  { blocking, ...load }: Pick<Load, 'connections' | 'pauseMs'> & { readonly blocking: boolean },
): Promise<LoadResult> {
  const result = await putLoad(
    {
      url: `${ward.url}/api/v1/namespaces/_/actions/hello?blocking=${blocking}`,
      headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
      body: '{"name":"World"}',
      ...{ ...load, seconds },
    },
    folder,
  );
  if (result.failed > 0) throw new Error(`${result.failed} of ${result.requests} calls failed`);
  return result;
}

/** Processor time of Ward's own processes, without sandboxes and engines. */
function cpuMsOf({ nodes }: Cluster): number {
  const pids = nodes.flatMap(({ ward }) => wardsBelow(ward.pid)).map(({ pid }) => pid);
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** proc_pid_stat(5): user and system time, in ticks of 10 ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

type Samples = Readonly<Record<'one' | 'two', readonly Sample[]>>;

function latencyRow(what: string, { one, two }: Samples): Row {
  const [base, ours] = [one, two].map((samples) => median(samples.map(({ p50Ms }) => p50Ms)));
  const addedMs = (ours ?? 0) - (base ?? 0);
  return {
    what,
    baseline: `in one process ${ms(base ?? 0)}`,
    ward: ms(ours ?? 0),
    result: `+ ${ms(addedMs)}`,
    target: `≤ + ${targets.addedMs} ms`,
    isMet: addedMs <= targets.addedMs,
  };
}

function processorRow(what: string, { one, two }: Samples): Row {
  const [base, ours] = [one, two].map((samples) => median(samples.map(({ cpuMs }) => cpuMs)));
  const ratio = (ours ?? 0) / (base ?? 1);
  return {
    what,
    baseline: `in one process ${ms(base ?? 0)}`,
    ward: ms(ours ?? 0),
    result: `${ratio.toFixed(2)} ×`,
    target: `≤ ${targets.processorTime} ×`,
    isMet: ratio <= targets.processorTime,
  };
}

function acceptedRow(perSecond: number): Row {
  return {
    what: 'calls that an API node accepts durably while others run, a second',
    baseline: '–',
    ward: `${Math.round(perSecond)}`,
    result: `${Math.round(perSecond)}`,
    target: `≥ ${targets.acceptedPerSecond}`,
    isMet: perSecond >= targets.acceptedPerSecond,
  };
}
