/**
 * Three nodes of the role `all` against one, each with actions for three of its four sandboxes and a client for each. A load
 * balancer sends the calls of an action always to the same node, or each call to any node.
 */
import type { Ward } from '../../test/ward.ts';
import { median, type Row } from '../table.ts';
import { type Client, callFor, sleeping } from './clients.ts';
import { type Site, warmUp } from './site.ts';

const rounds = 5;
const roundMs = 4_000;
const callMs = 100;
const actionsPerNode = 3;
/** Room for four sandboxes on each node. */
const memoryMiB = 4 * 256;
const names = ['a', 'b', 'c'];

const ways = {
  path: { what: `calls of ${callMs} ms, an action always to the same node`, target: 0.85 },
  random: { what: `calls of ${callMs} ms, each to any node`, target: 0.5 },
} as const;

export async function spreadRows(site: Site): Promise<readonly Row[]> {
  await using one = await site.cluster([{ name: 'one', role: 'all', memoryMiB }]);
  await using three = await site.cluster(names.map((name) => ({ name, role: 'all' as const, memoryMiB })));
  const [alone, all] = [one.node('one').ward, names.map((name) => three.node(name).ward)];
  const plans = {
    one: await clientsOf([alone], () => alone),
    path: await clientsOf(all, (at) => all[at % all.length] ?? alone),
    random: await clientsOf(all, () => all[Math.floor(Math.random() * all.length)] ?? alone),
  };
  const rates = { one: [] as number[], path: [] as number[], random: [] as number[] };
  for (let round = -1; round < rounds; round++) {
    for (const name of ['one', 'path', 'random'] as const) {
      const calls = await callFor(plans[name], roundMs);
      const answered = calls.filter(({ status }) => status === 200).length;
      // The first round puts sandboxes where the calls arrive.
      if (round >= 0) rates[name].push((answered / roundMs) * 1000);
    }
  }
  return [spreadRow('path', rates), spreadRow('random', rates)];
}

async function clientsOf(nodes: readonly Ward[], serverOf: (at: number) => Ward): Promise<readonly Client[]> {
  const [first] = nodes;
  const actions = Array.from({ length: nodes.length * actionsPerNode }, (_, at) => `sleep-${at}`);
  for (const action of actions) if (first !== undefined) await warmUp(first, action, sleeping(callMs));
  return actions.map((action, at) => ({ action, server: () => serverOf(at) }));
}

function spreadRow(
  way: keyof typeof ways,
  rates: Readonly<Record<'one' | 'path' | 'random', number[]>>,
): Row {
  const { what, target } = ways[way];
  const [base, ours] = [median(rates.one), median(rates[way])];
  const share = ours / (base * names.length);
  return {
    what: `three nodes, ${what}, calls a second`,
    baseline: `${names.length} × one node ${Math.round(base * names.length)}`,
    ward: `${Math.round(ours)}`,
    result: `${Math.round(share * 100)} %`,
    target: `≥ ${target * 100} %`,
    isMet: share >= target,
  };
}
