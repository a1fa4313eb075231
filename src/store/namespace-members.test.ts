import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openStore } from './open.ts';
import { keyRow, namespaceRow } from './suite/context.ts';
import { mostMembers } from './types/namespace-members.ts';

test('a namespace remembers only those who have logged in last', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-members-'));
  const path = join(folder, 'ward.db');
  await using store = await openStore({ path });
  await store.namespaces.create(namespaceRow('guest'));
  await store.namespaces.create(namespaceRow('other'));
  using raw = new DatabaseSync(path);
  const add = raw.prepare('insert into namespace_members values (?, ?, ?, ?, ?, ?, null)');
  raw.exec('begin');
  for (const namespace of ['guest', 'other'])
    for (let n = 1; n <= mostMembers; n++) add.run(namespace, `p${n}`, `p${n}`, 'viewer', n, n);
  raw.exec('commit');
  await store.keys.create(keyRow({ person: 'new' }), { name: 'new', role: 'viewer' });
  const people = (await store.namespaceMembers.list('guest')).map(({ person }) => person);
  expect(people).toHaveLength(mostMembers);
  expect([people[0], people.at(-1)]).toEqual(['new', 'p2']);
  expect(await store.namespaceMembers.list('other')).toHaveLength(mostMembers);
  await rm(folder, { recursive: true });
});
