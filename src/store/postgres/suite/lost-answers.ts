/** PostgreSQL commits, and its answer is lost: what was written is known to be, and is not written again. */
import { expect, test } from 'vitest';
import { newActivationId } from '../../../lib/index.ts';
import { activationRow, namespaceRow, write } from '../../suite/context.ts';
import type { AdoptedRow } from '../../types/accepted.ts';
import type { UnrecordedCall } from '../../types/activations.ts';
import type { TestDatabase } from '../databases.fixture.ts';
import { type Lost, losingWay } from '../lost-answers.fixture.ts';
import { openPostgresStore, type PostgresStore } from '../open.ts';
import type { PostgresServer } from '../server.fixture.ts';

interface Place {
  readonly server: PostgresServer | undefined;
  /** With the tables. */
  readonly newDatabase: () => Promise<TestDatabase>;
}

export function lostAnswerTests(place: Place): void {
  test('of calls that are claimed at once, the server knows which it has claimed', async () => {
    await using site = await open(place);
    const { store, way } = site;
    const queue = store.accepted;
    await queue.extend({ node: 'a', leaseMs: 60_000 });
    const owners = ['a', 'b', 'a'];
    const ids = await Promise.all(owners.map((owner) => accept(store, owner)));
    way.lose('answer', 1);
    expect(await Promise.all(ids.map((id) => queue.claim(id, 0, 'a')))).toEqual([true, false, true]);
    expect(way.lost()).toBe(1);
    expect((await queue.pending(9)).map(({ attempt, owner }) => `${owner} ${attempt}`)).toEqual([
      ...['a 1', 'a 1', 'b 0'],
    ]);
    expect(await Promise.all(ids.map((id) => queue.claim(id, 0, 'a')))).toEqual([false, false, false]);
  });

  test('a call that was refused for a lost answer does not stay in the queue', async () => {
    await using site = await open(place);
    const { store, way } = site;
    way.lose('answer', 1);
    await expect(accept(store, 'a')).rejects.toMatchObject({
      ...{ code: 'STORE_ANSWER_LOST', kind: 'busy', retryAfterMs: 5000 },
      details: { activationId: expect.stringMatching(/^[0-9a-f]{32}$/) as string },
    });
    const activationId = await accept(store, 'a');
    expect(await store.accepted.pending(9)).toMatchObject([{ activationId }]);
  });

  test('a statement that arrives after the next batch changes nothing', async () => {
    await using site = await open(place);
    const { store, way } = site;
    way.lose('late statement', 1);
    await expect(accept(store, 'a')).rejects.toMatchObject({ code: 'STORE_ANSWER_LOST' });
    const activationId = await accept(store, 'a');
    await way.passLate();
    expect(await store.accepted.pending(9)).toMatchObject([{ activationId }]);
  });

  test('calls whose adoption was not answered are adopted by the next look', async () => {
    await using site = await open(place);
    const { store, way } = site;
    const queue = store.accepted;
    for (let answer = 1; answer <= 8; answer++) {
      const activationId = await accept(store, `gone ${answer}`);
      if (answer % 2 === 0) await queue.release(activationId, `gone ${answer}`);
      way.lose('answer', answer);
      const looks: AdoptedRow[] = [];
      for (let look = 1; look <= 3; look++) looks.push(...(await queue.adopt('a', 10).catch(() => [])));
      expect(looks).toMatchObject([{ activationId, owner: 'a', wasReleased: answer % 2 === 0 }]);
    }
    expect(way.lost()).toBeGreaterThan(2);
  });

  test.each<Lost>(['statement', 'answer'])(
    'whichever %s is lost, each call is counted once, and no record is reported as lost',
    async (what) => {
      await using site = await open(place);
      const { store, way } = site;
      const batches = 12;
      for (let batch = 0; batch < batches; batch++) {
        // Ward sends the first statement alone, and the others together.
        way.lose(what, 1 + (batch % 2));
        await Promise.all([
          store.activations.append(write(activationRow(), { logs: ['a line'] })),
          store.activations.append(write(activationRow())),
          store.activations.addUnrecorded(unrecorded()),
        ]);
        expect(way.lost()).toBe(batch + 1);
      }
      expect(await store.activations.count({ namespace: 'guest' })).toBe(2 * batches);
      const days = await store.usage.days({ namespace: 'guest', since: 0, until: 1e6 }, undefined, 9);
      expect(days.map(({ calls }) => calls)).toEqual([3 * batches]);
    },
  );

  test('a second loss while the first is looked up changes nothing', async () => {
    await using site = await open(place);
    const { store, way } = site;
    const activationId = await accept(store, 'a');
    const claimed = store.accepted.claim(activationId, 0, 'a');
    for (let losses = 1; losses <= 4; losses++) {
      // The claim itself, and then each of the first statements of the next batch.
      way.lose('answer', losses === 1 ? 1 : losses - 1);
      await expect.poll(() => way.lost()).toBe(losses);
    }
    expect(await claimed).toBe(true);
    expect(await store.accepted.get('guest', activationId)).toMatchObject({ attempt: 1 });
  });

  test.each([1, 2, 3, 4, 5])(
    'what is known of a claim is kept when answer %i of the next batch is lost, too',
    async (answer) => {
      await using site = await open(place);
      const { store, way } = site;
      const ids = [await accept(store, 'a'), await accept(store, 'a')];
      way.lose('answer', 1);
      const claims = [store.accepted.claim(ids[0] ?? '', 0, 'a')];
      await expect.poll(() => way.lost()).toBe(1);
      claims.push(store.accepted.claim(ids[1] ?? '', 0, 'a'));
      way.lose('answer', answer);
      expect(await Promise.all(claims)).toEqual([true, true]);
      expect((await store.accepted.pending(9)).map(({ attempt }) => attempt)).toEqual([1, 1]);
      expect(way.lost()).toBe(2);
    },
  );

  test('a server that stops removes its row', async () => {
    if (place.server === undefined) throw new Error('there is no PostgreSQL');
    const { url } = await place.newDatabase();
    const store = await openPostgresStore({ url });
    await store.namespaces.create(namespaceRow('guest'));
    await store.activations.append(write(activationRow()));
    await expect(place.server.admin(noRow, url)).rejects.toThrow();
    await store.close();
    await place.server.admin(noRow, url);
  });
}

/** Fails while there is a row. */
const noRow = 'select 1 / (case when exists (select from writers) then 0 else 1 end)';

async function accept(store: PostgresStore, owner: string): Promise<string> {
  const activationId = newActivationId();
  const call = { activationId, namespace: 'guest', acceptedAt: 1_000, job: {}, codeDigest: null };
  await store.accepted.accept({ ...call, owner });
  return activationId;
}

function unrecorded(): UnrecordedCall {
  const { row } = write(activationRow());
  const { activationId, namespace, path, start, end, statusCode } = row;
  const usage = { mibMs: 1, isCold: false, sentBytes: 0, receivedBytes: 0 };
  return { activationId, namespace, path, start, end, statusCode, usage, settles: null };
}

async function open({ server, newDatabase }: Place) {
  if (server === undefined) throw new Error('there is no PostgreSQL');
  const way = await losingWay(server);
  const { name } = await newDatabase();
  const store = await openPostgresStore({ url: way.url(name) });
  await store.namespaces.create(namespaceRow('guest'));
  return {
    ...{ store, way },
    async [Symbol.asyncDispose]() {
      await store.close();
      await way[Symbol.asyncDispose]();
    },
  };
}
