import { expect, test } from 'vitest';
import { createMarks, firstMark } from './marks.ts';

test('the first mark is sent again until the trace reports one', async () => {
  const sent: number[] = [];
  const marks = createMarks((port) => {
    sent.push(port);
    if (sent.length === 3) marks.reached(port);
  });
  await firstMark(marks, () => undefined);
  expect(sent).toEqual([20_000, 20_001, 20_002]);
});

test('the wait for a mark ends when its sender or the trace has ended, and the fault says why', async () => {
  let sent = 0;
  const marks = createMarks(() => {
    sent++;
  });
  await expect(firstMark(marks, () => 'the resolver has ended: exit 1')).rejects.toMatchObject({
    code: 'EGRESS_UNAVAILABLE',
    message: expect.stringContaining('the resolver has ended: exit 1'),
  });
  expect(sent).toBe(1);
});
