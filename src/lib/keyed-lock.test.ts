import { expect, test } from 'vitest';
import { KeyedLock } from './keyed-lock.ts';

test('runs work on one key in order, also after a failure, and work on other keys at once', async () => {
  const lock = new KeyedLock();
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const a1 = lock.run('a', async () => {
    await first.promise;
    done.push('a1');
    throw new Error('broken');
  });
  const a2 = lock.run('a', async () => done.push('a2'));
  await lock.run('b', async () => done.push('b'));
  expect(done).toEqual(['b']);
  first.resolve();
  await expect(a1).rejects.toThrow('broken');
  await a2;
  expect(done).toEqual(['b', 'a1', 'a2']);
});

test('is idle when no work is left, including work that arrived meanwhile', async () => {
  const lock = new KeyedLock();
  const done: string[] = [];
  void lock.run('a', async () => {
    void lock.run('a', async () => done.push('second'));
    done.push('first');
  });
  await lock.idle();
  expect(done).toEqual(['first', 'second']);
});
