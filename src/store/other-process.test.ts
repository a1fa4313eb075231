import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCommand } from '../lib/index.ts';
import { openStore } from './open.ts';
import { activationRow, namespaceRow, write } from './suite/context.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-store-'));
  path = join(folder, 'data', 'ward.db');
});
afterEach(() => rm(folder, { recursive: true }));

describe('another process', () => {
  const start = (program: string) =>
    startCommand([process.execPath, new URL(program, import.meta.url).pathname, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  /** Runs the program until it has printed this many lines, and kills it. */
  const killAfter = async (program: string, enough: number) => {
    const child = start(program);
    const printed: string[] = [];
    if (child.stdout === null) throw new Error('the child has no stdout');
    for await (const line of createInterface({ input: child.stdout })) {
      printed.push(line);
      if (printed.length === enough) child.kill('SIGKILL');
    }
    expect(printed.length).toBeGreaterThanOrEqual(enough);
    // The kill can truncate the last line.
    return printed.filter((id) => id.length === 32);
  };
  const makeGuest = async () => {
    const store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    await store.close();
  };

  test.each([1, 40, 700])('that is killed after %i accepted invocations loses none', async (enough) => {
    await makeGuest();
    const printed = await killAfter('./accept-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const pending = new Set((await again.accepted.pending(1_000_000)).map((row) => row.activationId));
    expect(printed.filter((id) => !pending.has(id))).toEqual([]);
  });

  test.each([1, 300])('that is killed after %i deliveries and firings loses none', async (enough) => {
    await makeGuest();
    const printed = await killAfter('./fire-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const feeds = new Set((await again.feeds.due(1, 1_000_000)).map((row) => row.trigger));
    const deliveries = new Set((await again.deliveries.due(1, 1_000_000)).map((row) => row.id));
    expect(printed.filter((id) => !feeds.has(id) || !deliveries.has(id))).toEqual([]);
  });

  test.each([1, 200])(
    'that is killed after %i changes leaves each with its entry, or neither',
    async (enough) => {
      await makeGuest();
      const printed = await killAfter('./change-forever.fixture.ts', enough);
      using database = new DatabaseSync(path);
      const names = (sql: string) =>
        database
          .prepare(sql)
          .all()
          .map(({ name }) => String(name))
          .toSorted();
      const noted = names(`select json_extract(entry, '$.event') || json_extract(entry, '$.name') as name
      from unsealed_entries where entry not like '%create-namespace%'`);
      const made = names(`select 'create-action/guest/' || path as name from entities
      union all select 'create-feed/guest/' || trigger from feeds`);
      expect(noted).toEqual(made);
      expect(made.length).toBeGreaterThanOrEqual(printed.length * 2);
    },
  );

  test.each([3, 60])('that is killed after pruning %i times leaves no partial record', async (enough) => {
    await makeGuest();
    await killAfter('./prune-forever.fixture.ts', enough);
    await using again = await openStore({ path });
    const total = await again.activations.count({ namespace: 'guest' });
    expect(await again.activations.count({ namespace: 'guest', since: 0 })).toBe(total);
    using database = new DatabaseSync(path);
    const count = (table: string) => database.prepare(`select count(*) n from ${table}`).get()?.['n'];
    expect([count('activation_logs'), count('activation_inputs')]).toEqual([total, total]);
    const { bytes } = database.prepare(sizes).get() ?? {};
    expect((await again.holdings.get('guest'))?.recordBytes).toBe(bytes);
    expect(await again.usage.problems()).toEqual([]);
    const [usage] = await again.usage.days({ namespace: 'guest', since: 0, until: 0 }, undefined, 2);
    expect(usage?.calls).toBeGreaterThanOrEqual(total);
    expect(usage?.mibMs).toBe(256 * (usage?.calls ?? 0));
    expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
    expect(database.prepare('pragma foreign_key_check').all()).toEqual([]);
  });

  test('can write while this one does', async () => {
    await using store = await openStore({ path });
    await store.namespaces.create(namespaceRow('guest'));
    const child = start('./accept-forever.fixture.ts');
    const exited = once(child, 'exit');
    if (child.stdout === null) throw new Error('the child has no stdout');
    await once(child.stdout, 'data');
    const rows = Array.from({ length: 500 }, () => activationRow());
    await Promise.all(rows.map((row) => store.activations.append(write(row, { logs: ['x'] }))));
    child.kill('SIGKILL');
    await exited;
    expect(await store.activations.count({ namespace: 'guest' })).toBe(500);
    expect((await store.accepted.pending(1)).length).toBe(1);
  });
});

/** The expected counters, added up from the rows. */
const sizes = `
  select sum(1024 + octet_length(document) + octet_length(response) + octet_length(lines) + octet_length(input)) bytes
    from activations join activation_logs using (activation_id) join activation_inputs using (activation_id)`;
