import { expect, test } from 'vitest';
import { parseBusSetting } from './bus-setting.ts';
import { parseStoreSetting } from './store-setting.ts';

const postgres = parseStoreSetting('postgres://ward@db/ward');

test('without the setting, a server is no node of a cluster', () => {
  expect(parseBusSetting(undefined, {}, postgres)).toBeUndefined();
});

test('a node has the name of its host, or the one that is set', () => {
  expect(parseBusSetting('nats://a', {}, postgres)).toMatchObject({
    cluster: 'ward',
    node: expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  });
  expect(parseBusSetting('nats://a', { name: 'blue', node: 'n1' }, postgres)).toMatchObject({
    ...{ cluster: 'blue', node: 'n1' },
    addresses: { servers: ['a:4222'] },
  });
});

test('a bus needs a database that other nodes can reach', () => {
  expect(() => parseBusSetting('nats://a', {}, parseStoreSetting(undefined))).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', hint: 'set store: postgres://…, or leave bus: out' }),
  );
});
