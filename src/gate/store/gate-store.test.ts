import { readFileSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isDigest } from '../../blobs/index.ts';
import { canonicalJson, startCommand } from '../../lib/index.ts';
import { noon } from '../reports.fixture.ts';
import { generateKeyPair, readSigningKey } from '../trust/keys.ts';
import { hashOfEntry } from './audit-chain.ts';
import { parseEntry } from './audit-entry.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { openDatabase } from './database.ts';
import { digest, draft, type GateStorePlace, gateStoreSuite, verdictAt } from './gate-store.suite.ts';
import { fileIn, gateStoreIn, openGateStore } from './gate-store.ts';
import { faultOf } from './store-fault.ts';

const signer = readSigningKey(generateKeyPair('x').privateKey, 'x');
const writer = (file: string): [string, ...string[]] => [
  process.execPath,
  new URL('./append-forever.fixture.ts', import.meta.url).pathname,
  file,
];

async function placeFor(inThread: boolean): Promise<GateStorePlace> {
  const dir = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  const file = join(dir, 'gate', 'gate.db');
  return {
    open: () => openGateStore({ path: file, inThread }),
    writer: writer(file),
    dispose: () => rm(dir, { recursive: true }),
  };
}

gateStoreSuite('in this thread', async () => {
  const place = await placeFor(false);
  const file = place.writer.at(-1) ?? '';
  // Only its own connection can limit the size of the file.
  let db: DatabaseSync | undefined;
  const pages = (most: number) => db?.exec(`pragma max_page_count = ${most}`);
  return {
    ...place,
    async open() {
      db = openDatabase(file);
      return gateStoreIn(file, fileIn(db));
    },
    disk: {
      fill: () => pages(Number(db?.prepare('pragma page_count').get()?.['page_count']) + 1),
      free: () => pages(100_000),
    },
  };
});
gateStoreSuite('in a thread of its own', () => placeFor(true));

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  path = join(folder, 'gate', 'gate.db');
});
afterEach(() => rm(folder, { recursive: true }));

describe.each([false, true])('the file, with a thread of its own: %s', (inThread) => {
  it('is readable by Ward alone', async () => {
    await using _store = await openGateStore({ path, inThread });
    expect([(await stat(path)).mode & 0o777, (await stat(join(folder, 'gate'))).mode & 0o777]).toEqual([
      0o600, 0o700,
    ]);
  });

  it('that is not a database, or was written by a newer Ward, is refused', async () => {
    const odd = join(folder, 'odd.db');
    await writeFile(odd, 'this is not a database, and long enough to be looked at as one'.repeat(100));
    await expect(openGateStore({ path: odd, inThread })).rejects.toMatchObject({
      code: 'GATE_STORE_CORRUPT',
    });
    await (await openGateStore({ path })).close();
    using db = new DatabaseSync(path);
    db.exec('pragma user_version = 99');
    await expect(openGateStore({ path, inThread })).rejects.toMatchObject({ code: 'GATE_STORE_NEWER' });
  });
});

it.each([
  [13, 'GATE_STORE_FULL', 'full'],
  [4874, 'GATE_STORE_FULL', 'full'],
  [8, 'GATE_STORE_UNWRITABLE', 'busy'],
  [778, 'GATE_STORE_UNWRITABLE', 'busy'],
  [11, 'GATE_STORE_CORRUPT', 'host'],
  [26, 'GATE_STORE_CORRUPT', 'host'],
  [5, 'GATE_STORE_FAILED', 'host'],
  [0, 'GATE_STORE_FAILED', 'host'],
])('SQLite’s result code %i becomes %s', (code, expected, kind) => {
  expect(faultOf({ code, message: 'no' }, '/path')).toMatchObject({ code: expected, kind });
});

/** Counts commits in a write-ahead log that was never checkpointed: frames that state the size of the database. */
function commitsIn(file: string): number {
  const log = readFileSync(`${file}-wal`);
  const [pageSize, salt] = [log.readUInt32BE(8), log.readUInt32BE(16)];
  let commits = 0;
  for (let at = 32; at + 24 <= log.length; at += 24 + pageSize)
    if (log.readUInt32BE(at + 8) === salt && log.readUInt32BE(at + 4) > 0) commits++;
  return commits;
}

describe('with a thread of its own', () => {
  it('a write that waits for another process blocks nothing else', async () => {
    await using store = await openGateStore({ path, inThread: true });
    using other = new DatabaseSync(path);
    other.exec('begin immediate');
    let isWritten = false;
    const written = store.write({ verdicts: [verdictAt(noon)], audit: [draft('a')] }).then(() => {
      isWritten = true;
    });
    // If the write ran in this thread, the first timer would only fire after the wait had failed.
    for (let timer = 0; timer < 50; timer++) await delay(10);
    expect(isWritten).toBe(false);
    other.exec('rollback');
    await written;
    expect(await store.verdicts(digest)).toHaveLength(1);
  });

  it('verdicts that come together share a commit', async () => {
    await using store = await openGateStore({ path, inThread: true });
    const write = (name: string) => store.write({ verdicts: [verdictAt(noon, name)], audit: [draft(name)] });
    const first = commitsIn(path);
    await Promise.all(Array.from({ length: 50 }, (_, index) => write(`n${index}`)));
    expect(commitsIn(path)).toBe(first + 1);
    for (const name of ['x', 'y', 'z']) await write(name);
    expect(commitsIn(path)).toBe(first + 4);
    expect(await store.verifyAudit()).toMatchObject({ isIntact: true, entries: 53 });
  });
});

describe('the audit log in its file', () => {
  /** Writes entries, calls `tamper` on the file, and verifies. */
  const verifyAfter = async (count: number, tamper: (db: DatabaseSync) => void) => {
    const file = join(await mkdtemp(join(folder, 'log-')), 'gate.db');
    await using store = await openGateStore({ path: file });
    await store.write({ audit: Array.from({ length: count }, (_, index) => draft(`image ${index}`)) });
    {
      using db = new DatabaseSync(file);
      db.exec('drop trigger audit_no_update; drop trigger audit_no_delete');
      tamper(db);
    }
    return await store.verifyAudit();
  };

  it('can’t be changed by mistake', async () => {
    await using store = await openGateStore({ path });
    await store.write({ audit: [draft('a')] });
    using db = new DatabaseSync(path);
    expect(() => db.exec("update audit set entry = ''")).toThrow(/append only/);
    expect(() => db.exec('delete from audit')).toThrow(/append only/);
  });

  it('shows any change, gap and reorder', async () => {
    const seq = fc.integer({ min: 1, max: 12 });
    const tampering = fc.oneof(
      fc.record({ type: fc.constant('text'), seq, at: fc.nat(), to: fc.integer({ min: 32, max: 126 }) }),
      fc.record({ type: fc.constant('rehash'), seq }),
      fc.record({ type: fc.constant('delete'), seq }),
      fc.record({ type: fc.constant('cut'), seq }),
      fc.record({ type: fc.constant('swap'), seq, other: seq }),
      fc.record({ type: fc.constant('copy'), seq, at: fc.integer({ min: -3, max: 20 }) }),
    );
    type Tampering = typeof tampering extends fc.Arbitrary<infer Value> ? Value : never;
    const row = (db: DatabaseSync, which: number) =>
      db.prepare('select entry, hash from audit where seq = ?').get(which) ?? {};
    const put = (db: DatabaseSync, which: number, entry: unknown, hash: unknown) =>
      db
        .prepare('insert or replace into audit (seq, entry, hash) values (?, ?, ?)')
        .run(which, String(entry), String(hash));
    const apply = (db: DatabaseSync, what: Tampering) => {
      const { entry, hash } = row(db, what.seq);
      if ('to' in what) {
        const text = String(entry);
        const at = what.at % text.length;
        put(db, what.seq, text.slice(0, at) + String.fromCharCode(what.to) + text.slice(at + 1), hash);
      } else if ('other' in what) {
        const other = row(db, what.other);
        put(db, what.seq, other['entry'], other['hash']);
        put(db, what.other, entry, hash);
      } else if ('at' in what) put(db, what.at, entry, hash);
      else if (what.type === 'delete') db.prepare('delete from audit where seq = ?').run(what.seq);
      else if (what.type === 'cut') db.prepare('delete from audit where seq >= ?').run(what.seq);
      else {
        const changed = canonicalJson({ ...parseEntry(String(entry)), actor: 'eve' });
        put(db, what.seq, changed, hashOfEntry(changed));
      }
    };
    const dump = (db: DatabaseSync) => JSON.stringify(db.prepare('select * from audit order by seq').all());
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(tampering, async (what) => {
        let isChanged = false;
        const check = await verifyAfter(12, (db) => {
          const before = dump(db);
          apply(db, what);
          isChanged = dump(db) !== before;
        });
        if (isChanged) changes++;
        expect(check.isIntact).toBe(!isChanged);
      }),
      { numRuns: 60 },
    );
    expect(changes).toBeGreaterThan(30);
  });

  it('that was completely rewritten is detected by a checkpoint', async () => {
    await using store = await openGateStore({ path });
    await store.write({ audit: [draft('a'), draft('b')] });
    const checkpoint = await store.checkpoint(signer, '2026-01-02T00:00:00Z');

    const forged = await openGateStore({ path: join(folder, 'forged.db') });
    await using _forged = forged;
    await forged.write({ audit: [draft('a'), draft('x'), draft('c')] });
    expect((await forged.verifyAudit({ keys: [signer] })).isIntact).toBe(true);
    const kept = parseCheckpoint(JSON.stringify(checkpoint));
    if (kept === undefined) throw new Error('no checkpoint');
    expect(await forged.verifyAudit({ keys: [signer], checkpoints: [kept] })).toMatchObject({
      isIntact: false,
      problems: [{ seq: 2, text: 'this entry is not the one that the checkpoint names' }],
    });
    await using short = await openGateStore({ path: join(folder, 'short.db') });
    await short.write({ audit: [draft('a')] });
    expect((await short.verifyAudit({ keys: [signer], checkpoints: [kept] })).problems).toEqual([
      { seq: 2, text: 'this entry is missing, but a checkpoint names it' },
    ]);
  });
});

it.each([1, 25])('a process killed after %i writes loses none, and the log is intact', async (enough) => {
  const child = startCommand(writer(path), { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the child has no stdout');
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    if (printed.length === enough) child.kill('SIGKILL');
  }
  expect(printed.length).toBeGreaterThanOrEqual(enough);
  await using store = await openGateStore({ path });
  const check = await store.verifyAudit();
  expect(check.isIntact).toBe(true);
  const digests = printed.filter(isDigest);
  for (const each of digests) expect(await store.verdicts(each)).toHaveLength(2);
  expect(check.entries % 2).toBe(0);
  expect(check.entries).toBeGreaterThanOrEqual(digests.length * 2);
});
