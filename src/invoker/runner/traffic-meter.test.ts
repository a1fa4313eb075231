import { expect, test } from 'vitest';
import { mostConnections, mostTrafficBytes } from '../../egress/index.ts';
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

test('connections are of the activation that ends next, and not more than a record has', () => {
  const meter = new TrafficMeter();
  const connection = { address: '198.51.100.7', port: 443, protocol: 'tcp', at: 1 };
  for (let at = 0; at <= mostConnections; at++)
    meter.read({ sentBytes: 1, receivedBytes: 0, connections: [connection] });
  expect(meter.take()?.connections).toHaveLength(mostConnections);
  meter.read({ sentBytes: 2, receivedBytes: 0 });
  expect(meter.take()).toEqual({ sentBytes: 1, receivedBytes: 0 });
});
