import { expect, test } from 'vitest';
import { parseBlobLocation } from '../../blobs/index.ts';
import { parseBusAddresses } from '../../bus/index.ts';
import { nodeNames, requireSharedStores } from './bus-setting.ts';
import { parseStoreSetting } from './store-setting.ts';

const bus = parseBusAddresses('nats://a');
const store = parseStoreSetting('postgres://ward@db/ward');
const blobs = parseBlobLocation('s3://bucket/prefix');

test('a node has the name of its host, or the one that is set', () => {
  expect(nodeNames({})).toEqual({ cluster: 'ward', name: expect.stringMatching(/^[A-Za-z0-9_-]{1,64}$/) });
  expect(nodeNames({ name: 'blue', node: 'n1' })).toEqual({ cluster: 'blue', name: 'n1' });
});

test.each([
  ['a database', { bus, store: parseStoreSetting(undefined), blobs }, 'store: postgres://…'],
  ['a store of bytes', { bus, store, blobs: undefined }, 'blobs: s3://…'],
])('a bus needs %s that other nodes can reach', (_, settings, setting) => {
  expect(() => requireSharedStores(settings)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', hint: `set ${setting}, or leave bus: out` }),
  );
  expect(() => requireSharedStores({ ...settings, bus: undefined })).not.toThrow();
});
