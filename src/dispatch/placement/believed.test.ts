import { expect, it } from 'vitest';
import { mostBelieved } from './believed.ts';

it('believes four times what the smaller half of the invokers has', () => {
  const sizes = [2, 4, 8, 1_000_000].map((each) => ({ memoryMiB: each * 1024, processors: each }));
  expect(mostBelieved(sizes)).toEqual({ memoryMiB: 16_384, processors: 16 });
  expect(mostBelieved(sizes.slice(1))).toEqual({ memoryMiB: 32_768, processors: 32 });
  expect(mostBelieved([])).toEqual({ memoryMiB: 0, processors: 0 });
});
