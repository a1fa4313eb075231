/** Changes, by which servers learn what to drop from their caches. */
import { expect, test } from 'vitest';
import type { Change, ChangesSince } from '../types/changes.ts';
import type { Store } from '../types/store.ts';
import {
  accept,
  activationRow,
  apiRow,
  type Context,
  deliveryRow,
  domainRow,
  entityRow,
  feedRow,
  keyRow,
  namespaceRow,
  write,
} from './context.ts';

type Watched = 'namespaces' | 'keys' | 'sessions' | 'entities' | 'apis' | 'domains';

const session = { tokenHash: 'of a key', kind: 'key', keyId: 'k', lifeMs: 3_600_000 } as const;
const endOf = (tokenHash: string): Change => ({ kind: 'sessions', namespace: '', path: tokenHash });

/** Part of the store → its writes → the changes that each leaves. Reads leave none. */
const writes: {
  readonly [Part in Watched]: {
    readonly [Method in keyof Store[Part]]: 'reads' | ((store: Store) => Promise<readonly Change[]>);
  };
} = {
  namespaces: {
    ...{ byName: 'reads', byKeyId: 'reads', list: 'reads', count: 'reads', usage: 'reads' },
    async create({ namespaces }) {
      await namespaces.create(namespaceRow('new'));
      return [{ kind: 'namespaces', namespace: 'new', path: '' }];
    },
    async update({ namespaces }) {
      const row = await namespaces.byName('guest');
      if (row !== undefined) await namespaces.update({ ...row, limits: { concurrent: 1 } }, row);
      return [{ kind: 'namespaces', namespace: 'guest', path: '' }];
    },
    async putSettings({ namespaces }) {
      await namespaces.putSettings('guest', { days: 7 }, namespaceRow('guest').settings);
      return [{ kind: 'namespaces', namespace: 'guest', path: '' }];
    },
    async delete({ namespaces }) {
      await namespaces.delete('guest');
      return [{ kind: 'namespaces', namespace: 'guest', path: '' }];
    },
  },
  keys: {
    ...{ byId: 'reads', list: 'reads', loggedOutAt: 'reads' },
    async create({ keys }) {
      const row = keyRow();
      await keys.create(row);
      return [{ kind: 'keys', namespace: 'guest', path: row.keyId }];
    },
    async delete({ keys, changes }) {
      const row = keyRow();
      await keys.create(row);
      const { position } = await changes.since();
      await keys.delete('guest', row.keyId);
      const change: Change = { kind: 'keys', namespace: 'guest', path: row.keyId };
      expect((await changes.since(position)).changes).toEqual([change]);
      return [change, change];
    },
    async logOut({ keys }) {
      const row = keyRow({ person: 'p' });
      await keys.create(row);
      await keys.logOut('p', 'ada');
      const change: Change = { kind: 'keys', namespace: 'guest', path: row.keyId };
      return [change, change];
    },
  },
  sessions: {
    use: 'reads',
    // The end of an older one does.
    async create({ sessions }) {
      await sessions.create(session);
      return [];
    },
    async end({ sessions }) {
      await sessions.create(session);
      await sessions.create({ ...session, tokenHash: 'one-time', kind: 'login', keyId: null });
      await sessions.end(session.tokenHash, 'key');
      await sessions.end('one-time', 'login');
      return [endOf(session.tokenHash)];
    },
  },
  entities: {
    ...{ get: 'reads', list: 'reads', count: 'reads', countByCodeDigest: 'reads' },
    ...{ codeAfter: 'reads', actionsWithCode: 'reads', earlierCode: 'reads', earlierDigests: 'reads' },
    async put({ entities }) {
      const row = entityRow('t', { collection: 'triggers' });
      await entities.put(row, null);
      await entities.put(entityRow('t', { collection: 'triggers' }), row.revision);
      const change: Change = { kind: 'triggers', namespace: 'guest', path: 't' };
      return [change, change];
    },
    async delete({ entities }) {
      const row = entityRow('r', { collection: 'rules' });
      await entities.put(row, null);
      await entities.delete('guest', 'r', row.revision);
      const change: Change = { kind: 'rules', namespace: 'guest', path: 'r' };
      return [change, change];
    },
    async deleteTree({ entities }) {
      const row = entityRow('p', { collection: 'packages' });
      await entities.put(row, null);
      await entities.put(entityRow('p/a'), null);
      await entities.deleteTree('guest', 'p', row.revision);
      const both: Change[] = [
        { kind: 'packages', namespace: 'guest', path: 'p' },
        { kind: 'actions', namespace: 'guest', path: 'p/a' },
      ];
      return [...both, ...both];
    },
  },
  apis: {
    ...{ get: 'reads', list: 'reads' },
    async put({ apis }) {
      await apis.put(apiRow('/a'), null);
      return [{ kind: 'apis', namespace: 'guest', path: '/a' }];
    },
    async delete({ apis }) {
      await apis.put(apiRow('/a'), null);
      await apis.delete('guest', '/a');
      const change: Change = { kind: 'apis', namespace: 'guest', path: '/a' };
      return [change, change];
    },
  },
  domains: {
    ...{ get: 'reads', list: 'reads', owner: 'reads', proved: 'reads' },
    async put({ domains }) {
      await domains.put(domainRow('a.example'), 1);
      return [{ kind: 'domains', namespace: 'guest', path: 'a.example' }];
    },
    async prove({ domains }) {
      const row = domainRow('a.example');
      await domains.put(row, 1);
      await domains.prove(row, undefined, 5);
      const change: Change = { kind: 'domains', namespace: 'guest', path: 'a.example' };
      return [change, change];
    },
    async delete({ domains }) {
      await domains.put(domainRow('a.example'), 1);
      await domains.delete('guest', 'a.example');
      const change: Change = { kind: 'domains', namespace: 'guest', path: 'a.example' };
      return [change, change];
    },
  },
};

export function changeTests({ store, place }: Context): void {
  const since = async (position: string) => (await store().changes.since(position)).changes;

  const cases = Object.entries(writes).flatMap(([part, methods]) =>
    Object.entries(methods).flatMap(([method, run]) =>
      typeof run === 'function' ? [[`${part}.${method}`, run] as const] : [],
    ),
  );
  test.each(cases)('%s leaves a change', async (_, run) => {
    const { position } = await store().changes.since();
    const expected = await run(store());
    const changes = await since(position);
    expect(sorted(changes)).toEqual(sorted(expected));
  });

  test('no method of what is cached is left out here', () => {
    for (const [part, methods] of Object.entries(writes)) {
      expect([part, Object.keys(methods).toSorted()]).toEqual([part, methodsOf(store(), part)]);
    }
  });

  test('a refused write leaves none', async () => {
    const { position } = await store().changes.since();
    expect(await store().entities.put(entityRow('a'), 'another revision')).toBe(false);
    await expect(store().keys.create(keyRow({ namespace: 'none' }))).rejects.toThrow();
    expect(await since(position)).toEqual([]);
  });

  test('what is deleted with its namespace leaves changes, too', async () => {
    await store().entities.put(entityRow('a'), null);
    const { position } = await store().changes.since();
    await store().namespaces.delete('guest');
    expect(await since(position)).toContainEqual({ kind: 'actions', namespace: 'guest', path: 'a' });
  });

  test('sessions that end with a key or a person, or because there are too many, leave changes, too', async () => {
    const { sessions, keys, namespaceMembers } = store();
    const [own, ofPerson] = [keyRow(), keyRow({ person: 'q' })];
    await keys.create(own);
    await keys.create(ofPerson, { name: 'bob', role: 'viewer' });
    const operator = { ...session, kind: 'operator', keyId: null } as const;
    await sessions.create({ ...session, tokenHash: 'a', keyId: own.keyId });
    await sessions.create({ ...operator, tokenHash: 'b', login: { person: 'p', name: 'ada', offer: null } });
    await sessions.create({ ...session, tokenHash: 'c', keyId: ofPerson.keyId });
    // By its name, too, if all begin in one millisecond.
    const many = ['zz', ...Array.from({ length: 50 }, (_, at) => `s${at}`)];
    const { position } = await store().changes.since();
    await keys.delete('guest', own.keyId);
    await keys.logOut('p', 'ada');
    await namespaceMembers.endLogins('guest', 'q');
    for (const tokenHash of many) await sessions.create({ ...session, tokenHash });
    const ended = (await since(position))?.filter(({ kind }) => kind === 'sessions');
    expect(sorted(ended)).toEqual(sorted(['a', 'b', 'c', 'zz'].map(endOf)));
  });

  test('records, accepted calls, feeds, deliveries and counters leave none', async () => {
    const { position } = await store().changes.since();
    const record = activationRow();
    await accept(store(), 'guest', 1, { activationId: record.activationId });
    await store().activations.append(write(record, { logs: ['x'], settles: 0 }));
    await store().activations.prune({ namespace: 'guest', keep: 0, max: 1 });
    await store().feeds.put(feedRow('t'), null);
    await store().feeds.delete('guest', 't');
    await store().deliveries.add(deliveryRow());
    await store().holdings.measureCode({ digest: 'd', bytes: 1 });
    await store().accepted.extend({ node: 'a', leaseMs: 1000 });
    await store().leases.take({ name: 'work', holder: 'a', ms: 1000 });
    expect(await since(position)).toEqual([]);
  });

  test('each is told once, to every store that is open', async () => {
    await using other = await place().open();
    let [mine, theirs] = await Promise.all([store().changes.since(), other.changes.since()]);
    expect([mine.changes, theirs.changes]).toEqual([undefined, undefined]);
    for (const path of ['a', 'b', 'c']) {
      await (path === 'b' ? other : store()).entities.put(entityRow(path), null);
      mine = await store().changes.since(mine.position);
      theirs = await other.changes.since(theirs.position);
      for (const { changes } of [mine, theirs])
        expect(changes).toEqual([{ kind: 'actions', namespace: 'guest', path }]);
    }
    expect(await since(mine.position)).toEqual([]);
  });

  test('too many at once are not told one by one, and the next ones are again', async () => {
    const { position } = await store().changes.since();
    const top = entityRow('p', { collection: 'packages' });
    await store().entities.put(top, null);
    for (let at = 0; at < 125; at++) await store().entities.put(entityRow(`p/a${at}`), null);
    await store().entities.deleteTree('guest', 'p', top.revision);
    const all = await store().changes.since(position);
    expect(all.changes).toBeUndefined();
    await store().entities.put(entityRow('b'), null);
    expect(await since(all.position)).toHaveLength(1);
  });

  test('a reader that is behind what was pruned is told so, and one that is not goes on', async () => {
    const behind = await store().changes.since();
    await store().entities.put(entityRow('a'), null);
    const current = await store().changes.since(behind.position);
    expect(await pruneAll(store())).toBeGreaterThan(0);
    await store().entities.put(entityRow('b'), null);
    expect(await since(behind.position)).toBeUndefined();
    const next = await store().changes.since(current.position);
    expect(next.changes).toEqual([{ kind: 'actions', namespace: 'guest', path: 'b' }]);
    // The mark of the first deletion is deleted by the second one.
    await pruneAll(store());
    expect(await since(behind.position)).toBeUndefined();
    expect(await since(next.position)).toEqual([]);
  });

  test('only old ones are pruned, and nothing is written when there are none', async () => {
    const { position } = await store().changes.since();
    await store().entities.put(entityRow('a'), null);
    expect(await store().changes.prune(60_000)).toBe(0);
    expect(await since(position)).toHaveLength(1);
    await pruneAll(store());
    expect(await pruneAll(store())).toBe(0);
  });
}

/** Those of this very millisecond, too. */
function pruneAll({ changes }: Store): Promise<number> {
  return changes.prune(-1000);
}

function methodsOf(store: Store, part: string): readonly string[] {
  return Object.keys(Reflect.get(store, part)).toSorted();
}

function sorted(changes: ChangesSince['changes']): readonly string[] | undefined {
  return changes?.map((change) => JSON.stringify(change)).toSorted();
}
