/**
 * The store in PostgreSQL against the same store in SQLite, in alternating rounds on one disk: records appended, accepted
 * calls until each is durable, and lists among many records against lists among few. Both engines wait for the disk.
 *
 * Set BENCH_RECORDS=500000 for a quicker run with fewer records.
 */
import { join } from 'node:path';
import { newActivationId } from '../src/lib/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { openPostgresStore } from '../src/store/postgres/open.ts';
import { missingForPostgres, startPostgres } from '../src/store/postgres/server.fixture.ts';
import { few, listRow, lists, many } from './list.ts';
import { firstStart, guest, interval } from './records.ts';
import { median, type Row } from './table.ts';

const rounds = 7;
const appends = 8_000;
const accepts = 2_000;
/** As many as a busy API waits for at once. */
const acceptsAtOnce = 200;
const response = { status: 'success', success: true, result: { text: 'lorem ipsum '.repeat(120) } };

type Engine = 'sqlite' | 'postgres';
type Figures = Record<Engine, number[]>;

export async function benchPostgres(folder: string): Promise<readonly Row[]> {
  const missing = await missingForPostgres();
  if (missing !== undefined) throw new Error(`${missing}: npm run bench installs it`);
  await using server = await startPostgres({ isDurable: true });
  const database = async (name: string) => {
    await server.admin(`create database ${name}`);
    return server.url(name);
  };
  const rows: Row[] = [];
  {
    await using sqlite = await openStore({ path: join(folder, 'sqlite', 'ward.db') });
    await using postgres = await openPostgresStore({ url: await database('writes') });
    const stores = { sqlite, postgres };
    for (const { namespaces } of Object.values(stores)) await namespaces.create(guest);
    const records = await perSecond(stores, appends, appendAll);
    rows.push(rateRow(`records of 2 KB appended to PostgreSQL, a second`, records, 0.8));
    const accepted = await perSecond(stores, accepts, acceptAll);
    rows.push(
      rateRow(`calls accepted into PostgreSQL, until each is durable, a second`, accepted, undefined),
    );
  }
  const small = await filledUrl(server, await database('few'), few);
  const large = await filledUrl(server, await database('many'), many);
  await using fewStore = await openPostgresStore({ url: small });
  await using manyStore = await openPostgresStore({ url: large });
  const what = '30 since a moment';
  rows.push(await listRow(`${what}, in PostgreSQL`, lists[what], fewStore, manyStore));
  return rows;
}

/** The first round only warms up. */
async function perSecond(
  stores: Readonly<Record<Engine, Store>>,
  count: number,
  run: (store: Store, count: number) => Promise<void>,
): Promise<Figures> {
  const figures: Figures = { sqlite: [], postgres: [] };
  for (let round = -1; round < rounds; round++) {
    for (const engine of ['sqlite', 'postgres'] as const) {
      const begunAt = performance.now();
      await run(stores[engine], count);
      const rate = (count / (performance.now() - begunAt)) * 1000;
      if (round >= 0) figures[engine].push(rate);
    }
  }
  return figures;
}

async function appendAll({ activations }: Store, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    await activations.room();
    // The flush waits for all of them.
    void activations.append({ row: recordOf(index), logs: ['a line of its log'], settles: null });
  }
  await activations.flush();
}

async function acceptAll(store: Store, count: number): Promise<void> {
  for (let done = 0; done < count; done += acceptsAtOnce) {
    const some = Array.from({ length: acceptsAtOnce }, newActivationId);
    await Promise.all(
      some.map((activationId) =>
        store.accepted.accept({
          ...{ activationId, namespace: 'guest', owner: 'bench', codeDigest: null },
          acceptedAt: firstStart,
          job: { action: '/guest/hello', parameters: { name: 'World' } },
        }),
      ),
    );
  }
}

function recordOf(index: number) {
  const start = firstStart + index * interval;
  return {
    ...{ activationId: newActivationId(), namespace: 'guest', name: 'hello', path: 'shop/hello' },
    ...{ start, end: start + 12, statusCode: 0 },
    documentJson: JSON.stringify({ version: '0.0.1', subject: 'guest', duration: 12, annotations: [] }),
    responseJson: JSON.stringify(response),
    usage: { mibMs: 12 * 256, sentBytes: 0, receivedBytes: 0, isCold: false },
  };
}

/** Bypasses the store to be fast. */
async function filledUrl(
  server: { admin(statement: string, url?: string): Promise<void> },
  url: string,
  records: number,
): Promise<string> {
  const store = await openPostgresStore({ url });
  await store.namespaces.create(guest);
  await store.close();
  await server.admin(
    `insert into activations select md5(n::text), 'guest', 'action-' || n % 7, 'action-' || n % 7,
       ${firstStart} + n * ${interval}, ${firstStart} + n * ${interval} + 12, 0,
       '{"version":"0.0.1","subject":"guest","duration":12,"annotations":[]}',
       '{"status":"success","success":true,"result":{"text":"' || repeat('lorem ipsum ', 40) || '"}}'
     from generate_series(0, ${records - 1}) n`,
    url,
  );
  await server.admin('vacuum analyze activations', url);
  return url;
}

function rateRow(what: string, figures: Figures, target: number | undefined): Row {
  const [base, ours] = [median(figures.sqlite), median(figures.postgres)];
  return {
    what,
    baseline: `SQLite ${Math.round(base)}`,
    ward: String(Math.round(ours)),
    result: `${(ours / base).toFixed(2)} ×`,
    target: target === undefined ? 'reported' : `≥ ${target} ×`,
    isMet: target === undefined ? undefined : ours / base >= target,
  };
}
