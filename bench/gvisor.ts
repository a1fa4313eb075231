/** Cost of the tier `sandbox: gvisor`: calls of one function alternate between it and the default runtime. */
import { Ward } from '../test/ward.ts';
import { median, ms, type Row } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const coldRounds = 15;
const warmRounds = 300;

type Tier = 'crun' | 'gvisor';
const tiers: readonly Tier[] = ['crun', 'gvisor'];

export async function benchGvisor(): Promise<readonly Row[]> {
  await using ward = await Ward.start();
  await ward.raiseLimits();
  const cold: Record<Tier, number[]> = { crun: [], gvisor: [] };
  const warm: Record<Tier, number[]> = { crun: [], gvisor: [] };
  for (let round = 0; round < coldRounds; round++) {
    for (const tier of tiers) {
      await deploy(ward, `${tier}-${round}`, tier);
      cold[tier].push(await timed(ward, `${tier}-${round}`));
    }
  }
  for (let round = 0; round < warmRounds; round++) {
    for (const tier of tiers) warm[tier].push(await timed(ward, `${tier}-0`));
  }
  return [row('cold start', cold), row('warm blocking invocation, p50', warm)];
}

async function deploy(ward: Ward, name: string, tier: Tier): Promise<void> {
  const annotations = tier === 'gvisor' ? [{ key: 'sandbox', value: tier }] : [];
  const body = { exec: { kind: 'nodejs:24', code }, annotations };
  const { status } = await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}`, { body });
  if (status !== 200) throw new Error(`${name} was not deployed: ${status}`);
}

async function timed(ward: Ward, name: string): Promise<number> {
  const begunAt = performance.now();
  const reply = await ward.invoke(name, { name: 'World' });
  if (reply.status !== 200) throw new Error(`${reply.status}: ${JSON.stringify(reply.body)}`);
  return performance.now() - begunAt;
}

function row(what: string, samples: Readonly<Record<Tier, readonly number[]>>): Row {
  const [crun, gvisor] = [median(samples.crun), median(samples.gvisor)];
  return {
    what: `${what} under gVisor`,
    baseline: `the same under crun ${ms(crun)}`,
    ward: ms(gvisor),
    result: `${(gvisor / crun).toFixed(1)} ×`,
    target: '–',
    isMet: undefined,
  };
}
