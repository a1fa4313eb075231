/** What a node reads in the database about the others, at its start and later. */
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../images/images.fixture.ts';
import { silentLog } from '../../lib/index.ts';
import { openStore } from '../../store/index.ts';
import { countTakers, startNodeBook } from './node-book.ts';

const node = (name: string, role: string, ageMs = 0) => ({ name, role, ageMs, version: '1', figures: {} });

test('a node counts those that take calls and were heard lately, and itself', async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore({ path: `${folder.path}/ward.db` });
  const { clusterNodes: nodes } = store;
  expect(countTakers(await nodes.list(), 'one')).toBe(1);
  const heard = [node('one', 'all'), node('two', 'api'), node('inv', 'invoker'), node('old', 'api', 400_000)];
  await nodes.note(heard, { everyMs: 0 });
  expect(countTakers(await nodes.list(), 'one')).toBe(2);
});

test('the book counts those that others hear now, until the database has not answered for too long', async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore({ path: `${folder.path}/ward.db` });
  const { clusterNodes } = store;
  await clusterNodes.note([node('two', 'api'), node('inv', 'invoker'), node('gone', 'api', 20_000)], {
    everyMs: 0,
  });
  let isAway = false;
  const note: typeof clusterNodes.note = async (...what) => {
    if (isAway) throw new Error('away');
    return await clusterNodes.note(...what);
  };
  const cluster = { heard: () => [], drain: () => {} };
  await using book = startNodeBook({
    nodes: { ...clusterNodes, note },
    ...{ cluster, self: 'one', log: silentLog },
  });
  expect(book.takers()).toBeUndefined();
  await expect.poll(() => book.takers()).toBe(2);
  isAway = true;
  const later = performance.now() + 10_001;
  using _ = vi.spyOn(performance, 'now').mockReturnValue(later);
  expect(book.takers()).toBeUndefined();
});

test('the book says when some node last heard an invoker, unless none does or the database does not answer', async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore({ path: `${folder.path}/ward.db` });
  const { clusterNodes: nodes } = store;
  const cluster = { heard: () => [], drain: () => {} };
  await nodes.note([node('two', 'api'), node('old', 'invoker', 20_000)], { everyMs: 0 });
  const options = { nodes, cluster, self: 'one', log: silentLog };
  await using without = startNodeBook(options);
  await expect.poll(() => without.takers()).toBe(2);
  expect(without.invokerHeardAt()).toBeUndefined();
  const noted = performance.now();
  await nodes.note([node('inv', 'invoker', 1_000)], { everyMs: 0 });
  await using book = startNodeBook(options);
  await expect.poll(() => book.invokerHeardAt()).toBeGreaterThan(noted - 1_500);
  expect(book.invokerHeardAt()).toBeLessThan(performance.now() - 900);
  const later = performance.now() + 10_001;
  using _ = vi.spyOn(performance, 'now').mockReturnValue(later);
  expect(book.invokerHeardAt()).toBeUndefined();
});
