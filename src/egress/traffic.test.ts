import { expect, test } from 'vitest';
import { trafficReader } from './traffic.ts';

const line = (device: string, received: number, sent: number) =>
  `${device.padStart(6)}: ${received} 1 0 0 0 0 0 0 ${sent} 1 0 0 0 0 0 0`;

test('what passed is what the uplink counts, and after its end also what the sandbox’s device has counted since', () => {
  let table: readonly string[] = [];
  const traffic = trafficReader(1, () => `Inter-|\n face |bytes\n${table.join('\n')}\n`);
  expect(traffic()).toEqual({ sentBytes: 0, receivedBytes: 0 });
  // Other slots, and what was refused, do not count.
  table = [line('u11', 5, 5), line('w1', 300, 900), line('u1', 800, 200)];
  expect(traffic()).toEqual({ sentBytes: 200, receivedBytes: 800 });
  table = [line('w1', 340, 906)];
  expect(traffic()).toEqual({ sentBytes: 240, receivedBytes: 806 });
  expect(traffic()).toEqual({ sentBytes: 240, receivedBytes: 806 });
  table = [];
  expect(traffic()).toEqual({ sentBytes: 240, receivedBytes: 806 });
});

test('a long name of a device leaves no blank before it', () => {
  const traffic = trafficReader(65_000, () => `${line('w65000', 1, 2)}\n${line('u65000', 3, 4)}`);
  expect(traffic()).toEqual({ sentBytes: 4, receivedBytes: 3 });
});
