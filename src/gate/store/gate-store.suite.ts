/** What every implementation of `GateStore` must do. Each runs it from its own test file, with its own opener. */
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf, isDigest } from '../../blobs/index.ts';
import { startCommand } from '../../lib/index.ts';
import { judge } from '../judge/judge.ts';
import { defaultPolicy, parsePolicy } from '../policy/policy.ts';
import { newWaiver } from '../policy/waivers.ts';
import { noon, reportOf, vulnerability } from '../reports.fixture.ts';
import { generateKeyPair, readSigningKey } from '../trust/keys.ts';
import type { AuditDraft } from './audit-entry.ts';
import type { AuditQuery } from './audit-search.ts';
import { parseCheckpoint } from './checkpoint.ts';
import type { GateStore } from './types.ts';

/** A place for one store, empty at first. Several stores may be open on it at a time. */
export interface GateStorePlace {
  open(): Promise<GateStore>;
  /**
   * A program that opens the same store and, until it is killed, writes two verdicts and their two audit entries at a time.
   * After each write it prints the digest of their subject.
   */
  readonly writer: readonly [string, ...string[]];
  /** Fills the disk, and frees it again. Undefined when this can't be tested here. */
  readonly disk?: { fill(): void; free(): void };
  /** Removes it. All stores on it must be closed. */
  dispose(): Promise<void>;
}

export const digest = digestOf('image');
const subject = { kind: 'image', digest } as const;
const signer = readSigningKey(generateKeyPair('x').privateKey, 'x');
const stranger = readSigningKey(generateKeyPair('x').privateKey, 'x');

export const draft = (name: string): AuditDraft => ({
  time: '2026-01-01T00:00:00Z',
  event: 'verdict',
  actor: 'ada',
  name,
});

/** For calls in `namespace`. */
export function verdictAt(time: number, namespace = 'guest') {
  const what = { stage: 'run', namespace, kind: 'image', report: reportOf(), now: time } as const;
  return { ...judge(defaultPolicy(), what), digest };
}

/** The write of a push, which is denied unless `policy` allows it. */
function pushOf(name: string, namespace = 'guest', policy = strict) {
  const report = reportOf({ findings: [vulnerability()] });
  const what = { stage: 'push', namespace, kind: 'image', report, now: noon } as const;
  return { ...judge(policy, what), digest: digestOf(name) };
}
const strict = parsePolicy('form: 1\nrules: { vulnerabilities: { action: deny } }');
const lenient = parsePolicy('form: 1\nrules: { vulnerabilities: { action: allow } }');

export function gateStoreSuite(name: string, makePlace: () => Promise<GateStorePlace>): void {
  describe(name, () => {
    let place: GateStorePlace;
    let store: GateStore;
    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });
    const context = { store: () => store, place: () => place };
    describe('reports and verdicts', () => reportTests(context));
    describe('lists', () => listTests(context));
    describe('the audit log', () => auditTests(context));
    describe('several at a time', () => sharingTests(context));
    describe('the end', () => endTests(context));
  });
}

interface Context {
  store(): GateStore;
  place(): GateStorePlace;
}

function reportTests({ store, place }: Context): void {
  it('lists verdicts by namespace, stage, outcome and name, the last judged first', async () => {
    await store().putReport(subject, reportOf({ findings: [vulnerability()] }));
    const denied = pushOf('other');
    await store().write({ verdicts: [verdictAt(noon - 1000), verdictAt(noon + 1000, 'tenant'), denied] });
    const all = { namespace: '', stage: '', outcome: '', name: '', skip: 0, limit: 10 };
    const listed = async (query: object) =>
      (await store().judged({ ...all, ...query })).map(
        ({ verdict }) => `${verdict.namespace} ${verdict.stage}`,
      );
    expect(await listed({})).toEqual(['tenant run', 'guest push', 'guest run']);
    expect(await listed({ skip: 1, limit: 1 })).toEqual(['guest push']);
    expect(await listed({ namespace: 'tenant' })).toEqual(['tenant run']);
    expect(await listed({ stage: 'push' })).toEqual(['guest push']);
    expect(await listed({ outcome: 'deny' })).toEqual(['guest push']);
    const { name } = reportOf().target;
    expect(await listed({ name: name.slice(1) })).toEqual(['tenant run', 'guest run']);
    expect(await listed({ name: denied.digest })).toEqual(['guest push']);
    expect(await listed({ name: '%' })).toEqual([]);
    const [first, second] = await store().judged(all);
    expect(first).toMatchObject({ digest, kind: 'image', name });
    expect(second).toMatchObject({ digest: denied.digest, kind: undefined, name: undefined });
  });

  it('are read back unchanged, also by another store on the same file', async () => {
    const report = reportOf({ findings: [vulnerability()] });
    await store().putReport(subject, report);
    await store().write({ verdicts: [verdictAt(noon), verdictAt(noon, 'other')] });
    await store().close();
    await using again = await place().open();
    expect(await again.report(digest)).toEqual({ subject, report });
    expect(await again.verdict(digest, 'run', 'guest')).toEqual(verdictAt(noon));
    expect(await again.verdict(digest, 'push', 'guest')).toBeUndefined();
    expect((await again.verdicts(digest)).map(({ namespace }) => namespace)).toEqual(['guest', 'other']);
  });

  it('an older verdict does not replace a newer one', async () => {
    const time = async () => (await store().verdict(digest, 'run', 'guest'))?.judgedAt;
    await store().write({ verdicts: [verdictAt(noon)] });
    await store().write({ verdicts: [verdictAt(noon - 1000)] });
    expect(await time()).toBe(new Date(noon).toISOString());
    await store().write({ verdicts: [verdictAt(noon + 1000)] });
    expect(await time()).toBe(new Date(noon + 1000).toISOString());
  });

  it('of two with the same time, the one written later is kept', async () => {
    await store().write({ verdicts: [pushOf('image')] });
    await store().write({ verdicts: [pushOf('image', 'guest', lenient)] });
    expect((await store().verdict(digest, 'push', 'guest'))?.outcome).toBe('allow');
  });

  it('findings of an older scan do not replace those of a newer one', async () => {
    const old = reportOf({ findings: [vulnerability()] });
    const fresh = { ...reportOf(), scannedAt: new Date(noon + 1).toISOString() };
    const packed = await store().packFindings(old, digest);
    await store().putReport(subject, fresh);
    await store().write({ findings: [packed] });
    expect((await store().report(digest))?.report).toEqual(fresh);
    const more = await store().packFindings({ ...fresh, findings: [vulnerability()] }, digest);
    await store().write({ findings: [more] });
    expect((await store().report(digest))?.report.findings).toHaveLength(1);
  });

  it('are forgotten, but the audit log is kept', async () => {
    await store().putReport(subject, reportOf());
    await store().write({ verdicts: [pushOf('image')], audit: [draft('a')] });
    const [push] = await store().refused(undefined, 9);
    if (push === undefined) throw new Error('no refused push');
    await store().forget(push);
    expect(await store().report(digest)).toBeUndefined();
    expect(await store().verdicts(digest)).toEqual([]);
    expect(await store().audit()).toHaveLength(1);
  });

  it('are kept if it was pushed again and accepted in the meantime', async () => {
    await store().putReport(subject, reportOf());
    await store().write({ verdicts: [pushOf('image')] });
    const [push] = await store().refused(undefined, 9);
    if (push === undefined) throw new Error('no refused push');
    // The clock of the node that accepts it may be behind.
    const accepted = pushOf('image', 'guest', lenient);
    await store().write({ verdicts: [accepted] });
    await store().forget(push);
    expect(await store().report(digest)).toBeDefined();
    expect(await store().verdicts(digest)).toEqual([accepted]);
  });

  it('the revisions of the last judgement and of the audit log are stored separately', async () => {
    expect(await store().revisions('noted')).toBeUndefined();
    const noted = { policy: 'p', advisories: undefined, vex: '' };
    await store().write({ noted });
    await store().write({ judgedWith: { ...noted, advisories: 'a' } });
    expect(await store().revisions('noted')).toEqual(noted);
    expect((await store().revisions('judged'))?.advisories).toBe('a');
  });
}

function listTests({ store }: Context): void {
  it('subjects are listed by digest, page by page', async () => {
    const digests = ['a', 'b', 'c', 'd'].map((name) => digestOf(name)).toSorted();
    for (const each of digests.toReversed())
      await store().putReport({ kind: 'code', digest: each }, reportOf());
    const page = async (after?: (typeof digests)[number]) =>
      (await store().subjects(after, 3)).map((each) => each.digest);
    expect(await page()).toEqual(digests.slice(0, 3));
    expect(await page(digests[2])).toEqual(digests.slice(3));
    expect(await page(digests[3])).toEqual([]);
    expect((await store().subjects(undefined, 1))[0]?.kind).toBe('code');
    expect(await store().countReports()).toBe(4);
  });

  it('refused pushes are those without another verdict, with the time of their scan or verdict', async () => {
    const scannedAt = new Date(noon - 5000).toISOString();
    await store().putReport({ kind: 'image', digest: digestOf('scanned') }, { ...reportOf(), scannedAt });
    await store().write({
      verdicts: [
        ...[pushOf('scanned'), pushOf('unscanned', 'a'), pushOf('unscanned', 'b')],
        ...[
          pushOf('taken', 'guest', lenient),
          pushOf('taken elsewhere'),
          pushOf('taken elsewhere', 'x', lenient),
        ],
      ],
    });
    const all = await store().refused(undefined, 9);
    expect(all.map((each) => each.digest)).toEqual([digestOf('scanned'), digestOf('unscanned')].toSorted());
    const of = (name: string) => all.find((each) => each.digest === digestOf(name));
    expect(of('scanned')?.since).toBe(scannedAt);
    expect(of('unscanned')).toMatchObject({ namespaces: ['a', 'b'], since: new Date(noon).toISOString() });
    expect(await store().refused(undefined, 1)).toEqual(all.slice(0, 1));
    expect(await store().refused(all[0]?.digest, 9)).toEqual(all.slice(1));
  });
}

function auditTests({ store, place }: Context): void {
  it('is a chain from the first entry to the last', async () => {
    for (const name of ['a', 'b', 'c']) await store().write({ audit: [draft(name), draft(`${name}2`)] });
    const entries = await store().audit({ limit: 10 });
    expect(entries.map(({ seq, name }) => [seq, name])).toEqual([
      ...[
        [1, 'a'],
        [2, 'a2'],
        [3, 'b'],
        [4, 'b2'],
        [5, 'c'],
        [6, 'c2'],
      ],
    ]);
    expect(entries.slice(1).map(({ prevHash }) => prevHash)).toEqual(
      entries.slice(0, -1).map(({ hash }) => hash),
    );
    expect((await store().audit({ after: 4, limit: 1 })).map(({ seq }) => seq)).toEqual([5]);
    const { hash } = entries.at(-1) ?? {};
    expect(await store().verifyAudit()).toMatchObject({ isIntact: true, entries: 6, hash });
  });

  it('has an entry with an id once, from any server', async () => {
    await using other = await place().open();
    const changes = Array.from({ length: 10 }, (_, at) => ({ ...draft(`c${at}`), id: `id ${at}` }));
    const both = [store(), other, store(), other];
    await Promise.all(both.map((each, at) => each.write({ audit: [...changes.slice(at), draft('plain')] })));
    await store().write({ audit: [...changes, ...changes] });
    const names = (await store().audit()).map(({ name }) => name);
    expect(names).toHaveLength(14);
    expect(names.filter((name) => name !== 'plain').toSorted()).toEqual(changes.map(({ name }) => name));
    expect(await store().verifyAudit()).toMatchObject({ isIntact: true, entries: 14 });
  });

  it('is searched by namespace, time, who and what, in pages from either end', async () => {
    const ofKey = 'acme staging 4e9c0000-0000-4000-8000-000000000000';
    const actors = new Map([
      [700, 'operator 0'],
      [800, `${ofKey} ada of https://login`],
    ]);
    const audit = Array.from({ length: 1200 }, (_, at) => ({
      time: new Date(noon + at * 1000).toISOString(),
      event: at % 2 === 0 ? 'create-action' : 'delete-action',
      actor: actors.get(at) ?? 'guest k1',
      name: `/guest/a${at}`,
      ...(at % 3 === 0 ? { namespace: 'guest' } : {}),
    }));
    await store().write({ audit });
    const seqs = async (query: Omit<AuditQuery, 'limit'>, limit = 3) => {
      const { entries, next } = await store().searchAudit({ ...query, limit });
      return [...entries.map(({ seq }) => seq), next];
    };
    expect(await seqs({ namespace: 'guest' })).toEqual([1, 4, 7, 7]);
    expect(await seqs({ namespace: 'guest', after: 7 })).toEqual([10, 13, 16, 16]);
    expect(await seqs({ isNewestFirst: true })).toEqual([1200, 1199, 1198, 1198]);
    expect(await seqs({ isNewestFirst: true, before: 3 })).toEqual([2, 1, undefined]);
    expect(await seqs({ since: noon + 10_000, until: noon + 12_000 })).toEqual([11, 12, undefined]);
    expect(await seqs({ who: 'operator *' })).toEqual([701, undefined]);
    for (const who of ['ada *', ofKey, `${ofKey} *`, '*https://login'])
      expect(await seqs({ who })).toEqual([801, undefined]);
    expect(await seqs({ who: 'guest k1 *' })).toEqual([undefined]);
    expect(await seqs({ what: '/guest/a99*' })).toEqual([100, 991, 992, 992]);
    expect(await seqs({ what: 'delete-*', namespace: 'guest' }, 2)).toEqual([4, 10, 10]);
    expect(await seqs({ namespace: 'nobody' })).toEqual([undefined]);
  });

  it('loses its oldest entries by number and by time, and stays a chain', async () => {
    const times = Array.from({ length: 30 }, (_, at) => new Date(noon + at * 1000).toISOString());
    await store().write({ audit: times.map((time, at) => ({ ...draft(`a${at + 1}`), time, id: `${at}` })) });
    const kept = await store().checkpoint(signer);
    const seqs = async () => (await store().audit({ limit: 100 })).map(({ seq }) => seq);
    expect(await store().cutAudit({ entries: 100, since: noon })).toBe(0);
    expect(await store().cutAudit({ entries: 25, since: 0 })).toBe(6);
    expect(await seqs()).toHaveLength(25);
    expect(await store().cutAudit({ entries: 25, since: 0 })).toBe(0);
    expect(await store().cutAudit({ entries: 100, since: noon + 9000 })).toBe(3);
    expect((await seqs())[0]).toBe(10);
    expect((await store().audit({ after: 30 })).map(({ event, name }) => `${event} ${name}`)).toEqual([
      'cut entries up to 6',
      'cut entries up to 9',
    ]);
    const checked = await store().verifyAudit({ keys: [signer] });
    expect(checked).toMatchObject({ isIntact: true, entries: 32, checkpoints: 1, problems: [] });
    expect(kept?.seq).toBe(30);
    await store().write({ audit: [draft('next')] });
    // The newest entry always stays.
    expect(await store().cutAudit({ entries: 0, since: Number.MAX_SAFE_INTEGER })).toBe(23);
    expect(await seqs()).toEqual([33, 34]);
    expect(await store().verifyAudit({ keys: [signer] })).toMatchObject({ isIntact: true, entries: 34 });
  });

  it('is intact when it is empty', async () => {
    expect(await store().verifyAudit({ keys: [signer] })).toMatchObject({ isIntact: true, entries: 0 });
    expect(await store().checkpoint(signer)).toBeUndefined();
  });

  it('has checkpoints, which count by their keys', async () => {
    await store().write({ audit: [draft('a'), draft('b')] });
    const kept = parseCheckpoint(JSON.stringify(await store().checkpoint(signer, '2026-01-02T00:00:00Z')));
    expect(kept).toMatchObject({ seq: 2, keyId: signer.id });
    await store().write({ audit: [draft('c')] });
    expect(await store().verifyAudit({ keys: [signer] })).toMatchObject({ isIntact: true, checkpoints: 1 });
    expect((await store().verifyAudit({ keys: [stranger] })).problems).toEqual([
      { seq: 2, text: 'no trusted key signed the checkpoint of this entry' },
    ]);
  });

  it('removes control characters from names of images', async () => {
    await store().write({ audit: [draft('a\u001b[2J\n\u202eb')] });
    expect((await store().audit())[0]?.name).toBe('a\ufffd[2J\ufffd\ufffdb');
  });

  it('has no fork when another process writes at the same time', async () => {
    const child = startCommand(place().writer, { stdio: ['ignore', 'pipe', 'inherit'] });
    if (child.stdout === null) throw new Error('the child has no stdout');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const enough = 20;
    const printed: string[] = [];
    let own = 0;
    while (printed.length < enough) {
      const [line] = await Promise.all([lines.next(), store().write({ audit: [draft(`own ${own++}`)] })]);
      printed.push(String(line.value));
    }
    child.kill('SIGKILL');
    for (let line = await lines.next(); !line.done; line = await lines.next()) printed.push(line.value);
    for (const each of printed.filter(isDigest)) expect(await store().verdicts(each)).toHaveLength(2);
    const check = await store().verifyAudit();
    expect(check).toMatchObject({ isIntact: true, problems: [] });
    // The last write may have failed, or have become durable before the program printed it.
    expect(check.entries - own).toBeGreaterThanOrEqual(printed.length * 2);
    expect((check.entries - own) % 2).toBe(0);
  });
}

function sharingTests({ store, place }: Context): void {
  it('a read sees earlier writes, even if no one awaited them', async () => {
    const written = store().write({ verdicts: [pushOf('image')], audit: [draft('a')] });
    const found = store().verdict(digest, 'push', 'guest');
    expect((await found)?.judgedAt).toBe(new Date(noon).toISOString());
    await written;
    const time = new Date(noon).toISOString();
    void store().forget({ digest, namespaces: [], since: time, judgedAt: time });
    expect(await store().verdicts(digest)).toEqual([]);
  });

  it('concurrent writes are made in the order of their requests', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `image ${index}`);
    await Promise.all(names.map((name) => store().write({ audit: [draft(name)] })));
    expect((await store().audit()).map(({ name }) => name)).toEqual(names);
  });

  it('waivers are made and ended with their entries, and another store sees them', async () => {
    await using other = await place().open();
    const make = (finding: string, now: number) =>
      newWaiver({ finding, reason: 'not used', expires: '2099-01-01' }, 'ada', now);
    const [second, first] = [make('CVE-2', noon + 1), make('CVE-1', noon)];
    await Promise.all([
      store().write({ waivers: [second], audit: [draft('2')] }),
      store().write({ waivers: [first, { ...second, reason: 'another' }], audit: [draft('1')] }),
    ]);
    expect(await other.waivers()).toEqual([first, second]);
    await other.write({ endedWaivers: [first.id], audit: [draft('gone')] });
    expect(await store().waivers()).toEqual([second]);
    expect((await store().audit()).map(({ name }) => name)).toEqual(['2', '1', 'gone']);
  });

  it('of two that replace the same shared file, one is refused, and leaves nothing', async () => {
    await using other = await place().open();
    const file = (text: string, before: string | null) => {
      const bytes = Buffer.from(text);
      return { name: 'policy.yaml', digest: digestOf(bytes), bytes, before };
    };
    const put = (by: GateStore, text: string, before: string | null) =>
      by.write({ sharedFiles: [file(text, before)], audit: [draft(text)] });
    const outcomes = (writes: readonly Promise<void>[]) =>
      Promise.allSettled(writes).then((ends) =>
        ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'written')).toSorted(),
      );
    const won = ['GATE_FILE_CHANGED', 'written'];
    expect(await store().sharedFile('policy.yaml')).toBeUndefined();
    expect(await outcomes([put(store(), 'a\0', null), put(other, 'a\0', null)])).toEqual(won);
    expect(await outcomes([put(store(), 'b', digestOf('a\0')), put(other, 'c', digestOf('a\0'))])).toEqual(
      won,
    );
    const second = await other.sharedFile('policy.yaml');
    const found = second?.digest ?? null;
    // Also when the database has lost later ones.
    expect(Math.abs(Date.now() - (second?.revision ?? 0))).toBeLessThan(60_000);
    // Also two in one batch, and beside others.
    const beside = store().write({ audit: [draft('beside')] });
    expect(await outcomes([put(store(), 'd', found), put(store(), 'd', found), beside])).toEqual([
      ...won,
      'written',
    ]);
    const last = await other.sharedFile('policy.yaml');
    expect(last).toMatchObject({ name: 'policy.yaml', digest: digestOf('d') });
    expect(last?.revision).toBeGreaterThan(second?.revision ?? 0);
    expect(Buffer.from(last?.bytes ?? []).toString()).toBe('d');
    // The bytes that a reader knows are not read again.
    expect((await store().sharedFile('policy.yaml', last))?.bytes).toBe(last?.bytes);
    expect(await store().sharedFile('policy.yaml', second)).toEqual(last);
    const names = (await store().audit()).map(({ name }) => name);
    expect(names).toHaveLength(4);
    expect(names.filter((name) => name === 'd')).toHaveLength(1);
  });

  it('two writing stores take turns', async () => {
    await using other = await place().open();
    const both = Array.from({ length: 20 }, () => [store(), other]).flat();
    await Promise.all(both.map((each) => each.write({ audit: [draft('x')] })));
    expect(await store().verifyAudit()).toMatchObject({ isIntact: true, entries: 40 });
  });

  it('a write that can’t be stored fails alone, and leaves nothing', async () => {
    const odd = Object.assign(verdictAt(noon, 'odd'), { namespace: null });
    const [before, bad, after] = await Promise.allSettled([
      store().write({ audit: [draft('before')] }),
      store().write({ verdicts: [verdictAt(noon), odd], audit: [draft('bad')] }),
      store().write({ audit: [draft('after')] }),
    ]);
    expect([before, after]).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
    expect(bad).toMatchObject({ reason: { code: 'GATE_STORE_FAILED' } });
    expect((await store().audit()).map(({ name }) => name)).toEqual(['before', 'after']);
    expect(await store().verdicts(digest)).toEqual([]);
  });

  it('a full disk is reported, and the refused write is nowhere', async ({ skip }) => {
    const { disk } = place();
    if (disk === undefined) return skip();
    await store().write({ audit: [draft('before')] });
    disk.fill();
    const long = { ...draft('long'), vexRevision: 'x'.repeat(50_000) };
    const lost = await Promise.allSettled([
      store().write({ verdicts: [verdictAt(noon)], audit: [long] }),
      store().write({ audit: [draft('with it')] }),
    ]);
    const full = { status: 'rejected', reason: { code: 'GATE_STORE_FULL', kind: 'full' } };
    expect(lost).toMatchObject([full, full]);
    expect(await store().verdicts(digest)).toEqual([]);
    disk.free();
    await store().write({ verdicts: [verdictAt(noon)], audit: [long] });
    expect(await store().verdicts(digest)).toHaveLength(1);
    expect(await store().verifyAudit()).toMatchObject({ isIntact: true, entries: 2 });
  });
}

function endTests({ store, place }: Context): void {
  it('earlier requests are completed, and later ones refused', async () => {
    const written = store().write({ audit: [draft('a')] });
    await store().close();
    await written;
    await store().close();
    for (const late of [() => store().countReports(), () => store().write({ audit: [draft('b')] })])
      await expect(late()).rejects.toMatchObject({ code: 'GATE_CLOSED', kind: 'busy', retryAfterMs: 5000 });
    await using again = await place().open();
    expect(await again.audit()).toHaveLength(1);
  });
}
