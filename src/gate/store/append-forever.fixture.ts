/** A program that writes verdicts with their audit entries until it is killed, printing a line when some are durable. */
import { digestOf } from '../../blobs/index.ts';
import { judge } from '../judge/judge.ts';
import { defaultPolicy } from '../policy/policy.ts';
import { noon, reportOf } from '../reports.fixture.ts';
import { openGateStore } from './gate-store.ts';
import { openPostgresGateStore } from './postgres/open.ts';

const place = process.argv[2] ?? '';
const store = await (place.startsWith('postgres://')
  ? openPostgresGateStore({ url: place })
  : openGateStore({ path: place }));
const report = reportOf();
for (let count = 1; ; count++) {
  const digest = digestOf(`image ${count}`);
  await store.putReport({ kind: 'image', digest }, report);
  const verdicts = (['push', 'run'] as const).map((stage) => ({
    ...judge(defaultPolicy(), { stage, namespace: 'guest', kind: 'image', report, now: noon }),
    digest,
  }));
  const audit = verdicts.map(({ stage, outcome, judgedAt }) => ({
    ...{ time: judgedAt, event: 'verdict', actor: 'test', digest, stage, outcome },
  }));
  await store.write({ verdicts, audit });
  // Waits for its reader: a synchronous write to a full pipe throws EAGAIN.
  await new Promise((done) => process.stdout.write(`${digest}\n`, done));
}
