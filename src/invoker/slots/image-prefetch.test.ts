import { expect, test } from 'vitest';
import type { Image } from '../../images/index.ts';
import { silentLog } from '../../lib/index.ts';
import { ImagePrefetch, mostWaiting } from './image-prefetch.ts';

const nameOf = (n: number) => `acme/app@sha256:${String(n).padStart(64, '0')}`;

function setUp() {
  const begun: string[] = [];
  const ends: PromiseWithResolvers<Image>[] = [];
  const resolve = (image: string) => {
    const end = Promise.withResolvers<Image>();
    begun.push(image);
    ends.push(end);
    return end.promise;
  };
  const prefetch = new ImagePrefetch({ resolve }, silentLog);
  const fail = async () => {
    ends.at(-1)?.reject(new Error('no room on the disk'));
    await new Promise(setImmediate);
  };
  return { begun, prefetch, fail };
}

test('images are brought one after the other, also after one failed', async () => {
  const { begun, prefetch, fail } = setUp();
  for (const n of [1, 2, 1]) prefetch.add(nameOf(n));
  expect(begun).toEqual([]);
  prefetch.next();
  prefetch.next();
  expect(begun).toEqual([nameOf(1)]);
  await fail();
  prefetch.next();
  expect(begun).toEqual([nameOf(1), nameOf(2)]);
  await fail();
  prefetch.next();
  expect(begun).toHaveLength(2);
});

test('only names with a digest count, and a bounded number of them', async () => {
  const { begun, prefetch, fail } = setUp();
  for (const name of ['acme/app:v1', 'app', `acme/app@sha256:${'A'.repeat(64)}`, '']) prefetch.add(name);
  for (let n = 0; n < 2 * mostWaiting; n++) prefetch.add(nameOf(n));
  for (let n = 0; n < 2 * mostWaiting; n++) {
    prefetch.next();
    await fail();
  }
  expect(begun).toEqual(Array.from({ length: mostWaiting }, (_, n) => nameOf(n)));
});

test('a close waits for the one under way, and begins no other', async () => {
  const { begun, prefetch, fail } = setUp();
  prefetch.add(nameOf(1));
  prefetch.add(nameOf(2));
  prefetch.next();
  let isClosed = false;
  const closed = prefetch.close().then(() => {
    isClosed = true;
  });
  await new Promise(setImmediate);
  expect(isClosed).toBe(false);
  await fail();
  await closed;
  prefetch.next();
  expect(begun).toEqual([nameOf(1)]);
});
