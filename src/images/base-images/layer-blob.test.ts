import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { digestOf, openBlobStore } from '../../blobs/index.ts';
import { temporaryFolder } from '../images.fixture.ts';
import { tarEntries } from './deb.ts';
import { packLayer } from './layer-blob.ts';
import { newTree, type TreeEntry } from './tree.ts';

const content: readonly [string, TreeEntry][] = [
  ['usr/bin/tool', { type: 'file', mode: 0o755, bytes: Buffer.alloc(300_000, 'tool') }],
  ['bin', { type: 'link', target: 'usr/bin' }],
  ['etc/grüße', { type: 'file', mode: 0o644, bytes: Buffer.from('hello') }],
  [`etc/${'n'.repeat(140)}/x`, { type: 'file', mode: 0o644, bytes: Buffer.alloc(0) }],
];

describe('a packed layer', () => {
  it('does not depend on the order of its entries or on the time', async () => {
    await using folder = await temporaryFolder();
    const [one, other] = [newTree(), newTree()];
    for (const [path, entry] of content) one.add(path, entry);
    for (const [path, entry] of content.toReversed()) other.add(path, entry);
    const first = await packLayer(folder.path, one, 1_700_000_000);
    expect(await packLayer(folder.path, other, 1_700_000_000)).toEqual(first);
    expect((await packLayer(folder.path, one, 1_700_000_001)).digest).not.toBe(first.digest);
  });

  it('is sorted, owned by root and has one date', async () => {
    await using folder = await temporaryFolder();
    const tree = newTree();
    for (const [path, entry] of content) tree.add(path, entry);
    const { digest, diffId, size } = await packLayer(folder.path, tree, 1_700_000_000);
    const bytes = await openBlobStore(folder.path).get(digest);
    expect(bytes.length).toBe(size);
    const tar = zstdDecompressSync(bytes);
    expect(digestOf(tar)).toBe(diffId);
    const names: string[] = [];
    for await (const entry of tarEntries(Readable.from([tar]))) {
      names.push(entry.header.name);
      expect([entry.header.uid, entry.header.gid, entry.header.mtime.getTime()]).toEqual([
        0, 0, 1_700_000_000_000,
      ]);
      await buffer(entry);
    }
    expect(names).toEqual([...names].sort());
    expect(names).toContain('etc/grüße');
    expect(names).toHaveLength(tree.entries.size);
  });
});
