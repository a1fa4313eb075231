/** What a node reads in the database about the others at its start. */
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../images/images.fixture.ts';
import { openStore } from '../../store/index.ts';
import { countTakers } from './node-book.ts';

test('a node counts those that take calls and were heard lately, and itself', async () => {
  await using folder = await temporaryFolder();
  await using store = await openStore({ path: `${folder.path}/ward.db` });
  const { clusterNodes: nodes } = store;
  expect(countTakers(await nodes.list(), 'one')).toBe(1);
  const node = (name: string, role: string, ageMs = 0) => ({ name, role, ageMs, version: '1', figures: {} });
  const heard = [node('one', 'all'), node('two', 'api'), node('inv', 'invoker'), node('old', 'api', 400_000)];
  await nodes.note(heard, { everyMs: 0 });
  expect(countTakers(await nodes.list(), 'one')).toBe(2);
});
