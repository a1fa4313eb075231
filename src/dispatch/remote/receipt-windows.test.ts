import { expect, it } from 'vitest';
import { ReceiptWindows } from './receipt-windows.ts';

it('lets 10,000 wait for a node, and refuses more until there are fewer', async () => {
  const windows = new ReceiptWindows();
  while (windows.hasRoom('a')) windows.enter('a');
  let sent = 0;
  const waiting = Array.from({ length: 10_000 }, () =>
    windows.untilRoom('a').then(() => {
      sent++;
      windows.enter('a');
    }),
  );
  const busy = expect.objectContaining({ code: 'INVOKERS_BUSY', kind: 'overloaded', retryAfterMs: 1000 });
  await expect(windows.untilRoom('a')).rejects.toEqual(busy);
  await windows.untilRoom('b');
  windows.leave('a');
  await waiting[0];
  expect(sent).toBe(1);
  void windows.untilRoom('a');
  await expect(windows.untilRoom('a')).rejects.toEqual(busy);
});
