import { beforeEach, expect, test, vi } from 'vitest';
import { type Log, silentLog } from '../../lib/index.ts';
import { changedBy } from '../entities/changed.ts';
import { functionFault } from '../faults.ts';
import { expelDeleted } from './expel-deleted.ts';
import type { Identity } from './identities.ts';

const expel = vi.fn<(name: string) => void>();
const warn = vi.fn<Log['warn']>();
const identityOf = vi.fn<(name: string) => Promise<Identity | undefined>>();
const dispatcher = { namespaces: () => ['a', 'b', 'c'], expel };
const expelled = () => expel.mock.calls.flat();
const run = (...changed: string[]) =>
  expelDeleted(
    { dispatcher, namespaces: { identityOf }, log: { ...silentLog, warn } },
    changed.length === 0
      ? undefined
      : changedBy(changed.map((namespace) => ({ kind: 'namespaces', namespace, path: '' }))),
  );

beforeEach(() => {
  for (const each of [expel, warn, identityOf]) each.mockReset();
  identityOf.mockResolvedValue(undefined);
});

test('asks only about namespaces that may have changed', async () => {
  await run('b', 'other');
  expect(expelled()).toEqual(['b']);
  await run();
  expect(expelled()).toEqual(['b', 'a', 'b', 'c']);
});

test('goes on after trouble with one namespace, which it tells', async () => {
  identityOf.mockImplementation(async (name) => {
    if (name === 'a') throw new Error('no answer');
    return undefined;
  });
  await run();
  expect(expelled()).toEqual(['b', 'c']);
  expect(warn.mock.calls).toMatchObject([[{ namespace: 'a', reason: 'no answer' }, expect.any(String)]]);
});

test('expels nothing, and tells nothing, while the database does not answer', async () => {
  identityOf.mockRejectedValue(functionFault('AUTHENTICATION_STALE', 'Keys cannot be checked now.'));
  await run();
  expect([expelled(), warn.mock.calls]).toEqual([[], []]);
});
