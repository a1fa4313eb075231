import { expect, test } from 'vitest';
import { actAs } from '../../lib/index.ts';
import type { NotedChange } from '../../store/index.ts';
import { ref } from '../platform.fixture.ts';
import { createParameterReads } from './parameter-reads.ts';

const hello = ref('hello');
const parameters = [{ key: 'token', value: 'secret' }];

function start(add = async (_: NotedChange) => {}) {
  const noted: NotedChange[] = [];
  let now = 0;
  const unsealed = {
    async add(change: NotedChange) {
      await add(change);
      noted.push(change);
    },
  };
  const reads = createParameterReads(unsealed, () => now);
  const readBy = (who: string, shown: Parameters<typeof reads.note>[2] = parameters) =>
    actAs({ who, from: '127.0.0.1' }, () => reads.note('action', hello, shown));
  const pass = (ms: number) => {
    now += ms;
  };
  return { noted, readBy, pass };
}

test('each reader has an entry an hour, and another one for other values', async () => {
  const { noted, readBy, pass } = start();
  for (const who of ['guest 1', 'guest 1', 'guest 2', 'guest 2']) await readBy(who);
  expect(noted).toEqual(
    ['guest', 'guest'].map((namespace) => ({ what: 'read-action', name: '/guest/hello', namespace })),
  );
  await readBy('guest 1', [{ key: 'token', value: 'other' }]);
  expect(noted).toHaveLength(3);
  pass(3_599_999);
  await readBy('guest 2');
  expect(noted).toHaveLength(3);
  pass(1);
  await readBy('guest 2');
  expect(noted).toHaveLength(4);
});

test('there is no entry for what another namespace does not see, or what has no parameters', async () => {
  const { noted, readBy } = start();
  await readBy('other 1', [{ key: 'token', value: null, encryption: 'aes-256' }]);
  await readBy('guest 1', []);
  expect(noted).toEqual([]);
});

test('a read whose entry could not be written has not been noted', async () => {
  let isFull = true;
  const { noted, readBy } = start(async () => {
    if (isFull) throw new Error('the disk is full');
  });
  await expect(readBy('guest 1')).rejects.toThrow('the disk is full');
  isFull = false;
  await readBy('guest 1');
  expect(noted).toHaveLength(1);
});
