import { expect, test } from 'vitest';
import { parseBlobLocation } from '../../blobs/index.ts';
import { parseBusSetting } from './bus-setting.ts';
import { parseStoreSetting } from './store-setting.ts';

const store = parseStoreSetting('postgres://ward@db/ward');
const blobs = parseBlobLocation('s3://bucket/prefix');
const shared = { store, blobs };

test('without the setting, a server is no node of a cluster', () => {
  expect(parseBusSetting(undefined, {}, shared)).toBeUndefined();
});

test('a node has the name of its host, or the one that is set', () => {
  expect(parseBusSetting('nats://a', {}, shared)).toMatchObject({
    cluster: 'ward',
    node: expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
  });
  expect(parseBusSetting('nats://a', { name: 'blue', node: 'n1' }, shared)).toMatchObject({
    ...{ cluster: 'blue', node: 'n1' },
    addresses: { servers: ['a:4222'] },
  });
});

test.each([
  ['a database', { store: parseStoreSetting(undefined), blobs }, 'store: postgres://…'],
  ['a store of bytes', { store, blobs: undefined }, 'blobs: s3://…'],
])('a bus needs %s that other nodes can reach', (_, settings, setting) => {
  expect(() => parseBusSetting('nats://a', {}, settings)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', hint: `set ${setting}, or leave bus: out` }),
  );
});
