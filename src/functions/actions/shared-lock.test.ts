import { expect, test } from 'vitest';
import { createSharedLock } from './shared-lock.ts';

test('sharers run together, and an excluder alone, in order', async () => {
  const lock = createSharedLock();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const sharer = (name: string, until: Promise<void>) =>
    lock.shared(async () => {
      log.push(`+${name}`);
      await until;
      log.push(`-${name}`);
    });
  const first = sharer('a', gate.promise);
  const second = sharer('b', Promise.resolve());
  const alone = lock.exclusive(async () => {
    log.push('+x');
    await Promise.resolve();
    log.push('-x');
  });
  const late = sharer('c', Promise.resolve());
  await second;
  expect(log).toEqual(['+a', '+b', '-b']);
  gate.resolve();
  await Promise.all([first, alone, late]);
  expect(log).toEqual(['+a', '+b', '-b', '-a', '+x', '-x', '+c', '-c']);
});

test('a failure affects only its caller', async () => {
  const lock = createSharedLock();
  const failing = () => Promise.reject(new Error('no'));
  await expect(lock.shared(failing)).rejects.toThrow('no');
  await expect(lock.exclusive(failing)).rejects.toThrow('no');
  await expect(lock.shared(async () => 1)).resolves.toBe(1);
});
