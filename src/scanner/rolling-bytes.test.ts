import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openRollingBytes } from './rolling-bytes.ts';

test('returns the kept and the added bytes, whatever their lengths', () => {
  const step = fc.record({ piece: fc.uint8Array({ maxLength: 30 }), dropped: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const rolling = openRollingBytes();
      let expected: Buffer = Buffer.alloc(0);
      for (const { piece, dropped } of steps) {
        expected = Buffer.concat([expected, piece]);
        expect(rolling.add(piece)).toEqual(expected);
        rolling.drop(dropped);
        expected = expected.subarray(dropped);
      }
    }),
  );
});

test('allocates no memory if there is enough', () => {
  const rolling = openRollingBytes();
  const { buffer } = rolling.add(Buffer.alloc(100));
  rolling.drop(90);
  expect(rolling.add(Buffer.alloc(90)).buffer).toBe(buffer);
});
