/** How many sessions there may be: the numbers are small here. */
import { expect, test } from 'vitest';
import type { SessionLimits } from '../sessions.ts';
import type { NewSessionRow, SessionStore } from '../types/sessions.ts';
import type { Store } from '../types/store.ts';
import { keyRow, namespaceRow } from './context.ts';

export interface LimitedSessions extends AsyncDisposable {
  readonly store: Store;
  /** In the database of the store. */
  readonly sessions: SessionStore;
}

const hourMs = 3_600_000;
const limits: SessionLimits = { ofOwner: 3, ofNamespace: 4, all: 9 };

/** @param open a database without namespaces */
export function sessionLimitTests(open: (limits: SessionLimits) => Promise<LimitedSessions>): void {
  const begin = async ({ store, sessions }: LimitedSessions) => {
    const keys: Record<string, string> = {};
    for (const namespace of ['guest', 'other', 'third', 'small']) {
      const first = namespaceRow(namespace);
      await store.namespaces.create(first);
      const further = keyRow({ namespace });
      await store.keys.create(further);
      Object.assign(keys, { [namespace]: first.keyId, [`further ${namespace}`]: further.keyId });
    }
    let last = 0;
    /** Returns the names of the new sessions, from old to new. */
    const add = async (holder: string, count: number, more: Partial<NewSessionRow> = {}) => {
      const names: string[] = [];
      for (let n = 0; n < count; n++) {
        // In one millisecond, the first by its name is the newest.
        const tokenHash = `${999 - last++} ${holder}`;
        const keyId = keys[holder] ?? null;
        await sessions.create({ tokenHash, kind: 'key', keyId, lifeMs: hourMs, ...more });
        names.push(tokenHash);
      }
      return names;
    };
    /** Those that have not ended. */
    const live = async (names: readonly string[], kind: NewSessionRow['kind'] = 'key') => {
      const used = await Promise.all(names.map((name) => sessions.use(name, kind, hourMs)));
      return names.filter((_, at) => used[at] !== undefined);
    };
    return { add, live };
  };

  test('beyond the sessions of a namespace, with all of its keys, its own oldest end', async () => {
    await using place = await open(limits);
    const { add, live } = await begin(place);
    const operator = await add('operator', 1, { kind: 'operator' });
    const others = await add('other', 3);
    const person = { login: { person: 'p', name: 'ada', offer: null } };
    const own = [
      ...(await add('guest', 2)),
      ...(await add('further guest', 2)),
      ...(await add('guest', 2, person)),
    ];
    expect(await live(own)).toEqual(own.slice(2));
    expect(await live(others)).toEqual(others);
    expect(await live(operator, 'operator')).toEqual(operator);
  });

  test('beyond the sessions of all namespaces, the one that has most loses its oldest, and nobody else', async () => {
    await using place = await open(limits);
    const { add, live } = await begin(place);
    const operators = [
      ...(await add('operator', 3, { kind: 'operator' })),
      ...(await add('login', 3, { kind: 'login' })),
    ];
    // The oldest of all.
    const small = await add('small', 2);
    const guest = [...(await add('guest', 3)), ...(await add('further guest', 1))];
    const other = await add('other', 3);
    expect(await live([...small, ...guest, ...other])).toHaveLength(limits.all);
    const third = await add('third', 1);
    expect(await live(guest)).toEqual(guest.slice(1));
    // Operators neither need nor give a place.
    await add('operator', 1, { kind: 'operator' });
    expect(await live(small)).toEqual(small);
    expect(await live(other)).toEqual(other);
    expect(await live(third)).toEqual(third);
    expect(await live(operators, 'operator')).toEqual(operators.slice(1, 3));
    expect(await live(operators, 'login')).toEqual(operators.slice(3));
  });
}
