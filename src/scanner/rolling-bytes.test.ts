import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openRollingBytes } from './rolling-bytes.ts';

test('has what was kept and what was added, whatever their lengths', () => {
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

test('makes no new memory where there is enough', () => {
  const rolling = openRollingBytes();
  const { buffer } = rolling.add(Buffer.alloc(100));
  rolling.drop(90);
  expect(rolling.add(Buffer.alloc(90)).buffer).toBe(buffer);
});
