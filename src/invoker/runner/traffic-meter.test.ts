import { expect, test } from 'vitest';
import { mostTrafficBytes } from '../../egress/index.ts';
import { TrafficMeter } from './traffic-meter.ts';

test('each byte counts once, and what is absurd is bounded', () => {
  const meter = new TrafficMeter();
  expect(meter.take()).toBeUndefined();
  meter.read({ sentBytes: 10, receivedBytes: 20 });
  meter.read(undefined);
  expect(meter.take()).toEqual({ sentBytes: 10, receivedBytes: 20 });
  meter.read({ sentBytes: 10, receivedBytes: 20 });
  expect(meter.take()).toBeUndefined();
  meter.read({ sentBytes: 11, receivedBytes: 2 ** 50 });
  expect(meter.take()).toEqual({ sentBytes: 1, receivedBytes: mostTrafficBytes });
});
