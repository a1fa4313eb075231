import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, isDigest } from '../../blobs/index.ts';
import { startCommand } from '../../lib/index.ts';
import { canonicalJson } from '../canonical-json.ts';
import { judge } from '../judge/judge.ts';
import { defaultPolicy } from '../policy/policy.ts';
import { noon, reportOf, vulnerability } from '../reports.fixture.ts';
import { generateKeyPair, readSigningKey } from '../trust/keys.ts';
import { type AuditDraft, hashOfEntry, parseEntry } from './audit-entry.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { openGateStore } from './gate-store.ts';

const signer = readSigningKey(generateKeyPair('x').privateKey, 'x');
const stranger = readSigningKey(generateKeyPair('x').privateKey, 'x');
const digest = digestOf('image');
const subject = { kind: 'image', digest } as const;
const draft = (name: string): AuditDraft => ({
  time: '2026-01-01T00:00:00Z',
  event: 'verdict',
  actor: 'ada',
  name,
});

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ward-gate-'));
  path = join(folder, 'gate', 'gate.db');
});
afterEach(() => rm(folder, { recursive: true }));

function verdictAt(time: number, namespace = 'guest') {
  const what = { stage: 'run', namespace, kind: 'image', report: reportOf(), now: time } as const;
  return { ...judge(defaultPolicy(), what), digest };
}

describe('reports and verdicts', () => {
  it('come back as they were, also to another process', async () => {
    const report = reportOf({ findings: [vulnerability()] });
    {
      await using store = openGateStore({ path });
      await store.putReport(subject, report);
      store.write({ verdicts: [verdictAt(noon), verdictAt(noon, 'other')] });
    }
    await using again = openGateStore({ path });
    expect(await again.report(digest)).toEqual({ subject, report });
    expect(again.verdict(digest, 'run', 'guest')).toEqual(verdictAt(noon));
    expect(again.verdict(digest, 'push', 'guest')).toBeUndefined();
    expect(again.verdicts(digest).map(({ namespace }) => namespace)).toEqual(['guest', 'other']);
    expect([again.countReports(), again.subjects(undefined, 9), again.subjects(digest, 9)]).toEqual([
      1,
      [subject],
      [],
    ]);
  });

  it('an older verdict does not replace a newer one', async () => {
    await using store = openGateStore({ path });
    store.write({ verdicts: [verdictAt(noon)] });
    store.write({ verdicts: [verdictAt(noon - 1000)] });
    expect(store.verdict(digest, 'run', 'guest')?.judgedAt).toBe(new Date(noon).toISOString());
  });

  it('findings of an older scan do not replace those of a newer one', async () => {
    await using store = openGateStore({ path });
    const old = reportOf({ findings: [vulnerability()] });
    const fresh = { ...reportOf(), scannedAt: new Date(noon + 1).toISOString() };
    const packed = await store.packFindings(old, digest);
    await store.putReport(subject, fresh);
    store.write({ findings: [packed] });
    expect((await store.report(digest))?.report).toEqual(fresh);
    store.write({ findings: [await store.packFindings({ ...fresh, findings: [vulnerability()] }, digest)] });
    expect((await store.report(digest))?.report.findings).toHaveLength(1);
  });

  it('are forgotten, the audit log is not', async () => {
    await using store = openGateStore({ path });
    await store.putReport(subject, reportOf());
    store.write({ verdicts: [verdictAt(noon)], audit: [draft('a')] });
    store.forget(digest);
    expect([await store.report(digest), store.verdicts(digest), store.audit().length]).toEqual([
      undefined,
      [],
      1,
    ]);
  });

  it('are in a file for Ward alone', async () => {
    await using _store = openGateStore({ path });
    expect([(await stat(path)).mode & 0o777, (await stat(join(folder, 'gate'))).mode & 0o777]).toEqual([
      0o600, 0o700,
    ]);
  });

  it('a file that is none, or of a newer Ward, is refused', async () => {
    const odd = join(folder, 'odd.db');
    await writeFile(odd, 'this is not a database, and long enough to be looked at as one'.repeat(100));
    expect(() => openGateStore({ path: odd })).toThrow(
      expect.objectContaining({ code: 'GATE_STORE_CORRUPT' }),
    );
    await openGateStore({ path }).close();
    using db = new DatabaseSync(path);
    db.exec('pragma user_version = 99');
    expect(() => openGateStore({ path })).toThrow(expect.objectContaining({ code: 'GATE_STORE_NEWER' }));
  });

  it('after closing nothing is to be had', async () => {
    const store = openGateStore({ path });
    await store.close();
    await store.close();
    expect(() => store.countReports()).toThrow(expect.objectContaining({ code: 'GATE_CLOSED' }));
  });
});

describe('the audit log', () => {
  /** Writes entries, lets `tamper` at the file, and verifies. */
  const verifyAfter = async (count: number, tamper: (db: DatabaseSync) => void) => {
    const file = join(await mkdtemp(join(folder, 'log-')), 'gate.db');
    await using store = openGateStore({ path: file });
    store.write({ audit: Array.from({ length: count }, (_, index) => draft(`image ${index}`)) });
    {
      using db = new DatabaseSync(file);
      db.exec('drop trigger audit_no_update; drop trigger audit_no_delete');
      tamper(db);
    }
    return await store.verifyAudit();
  };

  it('is a chain from the first entry to the last', async () => {
    await using store = openGateStore({ path });
    for (const name of ['a', 'b', 'c']) store.write({ audit: [draft(name), draft(`${name}2`)] });
    const entries = store.audit({ limit: 10 });
    expect(entries.map(({ seq, name }) => [seq, name])).toEqual([
      [1, 'a'],
      [2, 'a2'],
      [3, 'b'],
      [4, 'b2'],
      [5, 'c'],
      [6, 'c2'],
    ]);
    expect(entries.slice(1).map(({ prevHash }) => prevHash)).toEqual(
      entries.slice(0, -1).map(({ hash }) => hash),
    );
    expect(store.audit({ after: 4, limit: 1 }).map(({ seq }) => seq)).toEqual([5]);
    expect(await store.verifyAudit()).toMatchObject({
      isIntact: true,
      entries: 6,
      hash: entries.at(-1)?.hash,
    });
  });

  it('empty, it is intact', async () => {
    await using store = openGateStore({ path });
    expect(await store.verifyAudit({ keys: [signer] })).toMatchObject({ isIntact: true, entries: 0 });
    expect(store.checkpoint(signer)).toBeUndefined();
  });

  it('can’t be changed by mistake', async () => {
    await using store = openGateStore({ path });
    store.write({ audit: [draft('a')] });
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

  it('that was written anew from end to end is told by a checkpoint', async () => {
    await using store = openGateStore({ path });
    store.write({ audit: [draft('a'), draft('b')] });
    const checkpoint = store.checkpoint(signer, '2026-01-02T00:00:00Z');
    store.write({ audit: [draft('c')] });
    expect(await store.verifyAudit({ keys: [signer] })).toMatchObject({ isIntact: true, checkpoints: 1 });
    expect((await store.verifyAudit({ keys: [stranger] })).problems).toEqual([
      { seq: 2, text: 'a checkpoint of this entry is signed by no trusted key' },
    ]);

    const forged = openGateStore({ path: join(folder, 'forged.db') });
    await using _forged = forged;
    forged.write({ audit: [draft('a'), draft('x'), draft('c')] });
    expect((await forged.verifyAudit({ keys: [signer] })).isIntact).toBe(true);
    const kept = parseCheckpoint(JSON.stringify(checkpoint));
    if (kept === undefined) throw new Error('no checkpoint');
    expect(await forged.verifyAudit({ keys: [signer], checkpoints: [kept] })).toMatchObject({
      isIntact: false,
      problems: [{ seq: 2, text: 'this entry is another one than the checkpoint tells of' }],
    });
    await using short = openGateStore({ path: join(folder, 'short.db') });
    short.write({ audit: [draft('a')] });
    expect((await short.verifyAudit({ keys: [signer], checkpoints: [kept] })).problems).toEqual([
      { seq: 2, text: 'a checkpoint tells of this entry, which is missing' },
    ]);
  });

  it('two that write take turns', async () => {
    await using one = openGateStore({ path });
    await using two = openGateStore({ path });
    for (let round = 0; round < 20; round++)
      for (const store of [one, two]) store.write({ audit: [draft('x')] });
    expect(await one.verifyAudit()).toMatchObject({ isIntact: true, entries: 40 });
  });

  it('takes names from images without what steers a terminal', async () => {
    await using store = openGateStore({ path });
    store.write({ audit: [draft('a\u001b[2J\n\u202eb')] });
    expect(store.audit()[0]?.name).toBe('a\ufffd[2J\ufffd\ufffdb');
  });
});

it.each([1, 25])('killed after %i writes loses none, and the log is intact', async (enough) => {
  const program = new URL('./append-forever.fixture.ts', import.meta.url).pathname;
  const child = startCommand([process.execPath, program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the child has no stdout');
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    printed.push(line);
    if (printed.length === enough) child.kill('SIGKILL');
  }
  expect(printed.length).toBeGreaterThanOrEqual(enough);
  await using store = openGateStore({ path });
  const check = await store.verifyAudit();
  expect(check.isIntact).toBe(true);
  const digests = printed.filter(isDigest);
  for (const each of digests) expect(store.verdicts(each)).toHaveLength(2);
  expect(check.entries % 2).toBe(0);
  expect(check.entries).toBeGreaterThanOrEqual(digests.length * 2);
});
