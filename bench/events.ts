/** Sequences, web actions and triggers, against one direct blocking invocation. */
import { Ward } from '../test/ward.ts';
import { putLoad } from './load.ts';
import { median, ms, type Row } from './table.ts';

const code = 'function main(p) { return { greeting: "Hello, " + p.name }; }';
const body = '{"name":"World"}';
const rounds = 5;
const seconds = 3;
const ruleCount = 10;
const steps = ['one', 'two', 'three', 'four', 'five'];

const targets = {
  direct: { path: 'namespaces/_/actions/one?blocking=true' },
  sequence: { path: 'namespaces/_/actions/all?blocking=true' },
  web: { path: 'web/guest/default/open.json' },
  fire: { path: 'namespaces/_/triggers/event' },
} as const;
type Target = keyof typeof targets;

export async function benchEvents(folder: string): Promise<readonly Row[]> {
  const most = { perSecond: 1_000_000, burst: 1_000_000 };
  await using ward = await Ward.start({ web: { perAddress: { ...most }, perAddressAndAction: { ...most } } });
  await ward.raiseLimits();
  await ward.setLimits('guest', ['--fires-per-minute', '1000000000']);
  await deployAll(ward);
  const measured: Record<Target, number[]> = { direct: [], sequence: [], web: [], fire: [] };
  for (let round = -1; round < rounds; round++) {
    for (const target of ['direct', 'sequence', 'web', 'fire'] as const) {
      const p50 = await ask(ward, target, folder);
      // The first round only warms up.
      if (round >= 0) measured[target].push(p50);
    }
  }
  return [
    row('a sequence of 5, p50', measured, 'sequence', 5.5),
    row('a web action, p50', measured, 'web', 1.2),
    row(`firing a trigger with ${ruleCount} rules, until it is durable, p50`, measured, 'fire', undefined),
  ];
}

async function ask(ward: Ward, target: Target, folder: string): Promise<number> {
  const result = await putLoad(
    {
      url: `${ward.url}/api/v1/${targets[target].path}`,
      headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
      body,
      connections: 1,
      seconds,
    },
    folder,
  );
  if (result.failed > 0) throw new Error(`${target}: ${result.failed} of ${result.requests} failed`);
  return result.p50Ms;
}

async function deployAll(ward: Ward): Promise<void> {
  for (const name of [...steps, 'open', 'reacts']) await ward.deploy(name, code);
  await put(ward, 'actions/open', { annotations: [{ key: 'web-export', value: true }] });
  const components = steps.map((name) => `/_/${name}`);
  await put(ward, 'actions/all', { exec: { kind: 'sequence', components } });
  await put(ward, 'triggers/event', {});
  for (let i = 0; i < ruleCount; i++) {
    await put(ward, `rules/rule-${i}`, { trigger: '/_/event', action: '/_/reacts' });
  }
}

async function put(ward: Ward, path: string, document: object): Promise<void> {
  const reply = await ward.request('PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, { body: document });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
}

function row(
  what: string,
  measured: Readonly<Record<Target, readonly number[]>>,
  target: Target,
  most: number | undefined,
): Row {
  const bare = median(measured.direct);
  const ours = median(measured[target]);
  const ratio = ours / bare;
  return {
    what,
    baseline: `one direct blocking invocation ${ms(bare)}`,
    ward: ms(ours),
    result: `${ratio.toFixed(2)} ×`,
    target: most === undefined ? 'reported' : `≤ ${most} ×`,
    isMet: most === undefined ? undefined : ratio <= most,
  };
}
