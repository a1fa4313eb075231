/** Activation records: seen at once, kept whole, listed by filter. */
import { beforeEach, expect, test } from 'vitest';
import { newActivationId } from '../../lib/index.ts';
import { type LongText, pieceOf } from '../batch.ts';
import { activationRow, all, type Context, write } from './context.ts';

function inPieces(text: string, pieceBytes: number): LongText {
  const bytes = Buffer.from(text);
  const count = Math.ceil(bytes.length / pieceBytes);
  return {
    pieces: Array.from({ length: count }, (_, at) =>
      pieceOf([bytes.subarray(at * pieceBytes, (at + 1) * pieceBytes)]),
    ),
  };
}

export function activationTests({ store, reopen }: Context): void {
  test('are seen before they are on disk, and survive', async () => {
    const row = activationRow({ end: null, statusCode: 2, path: 'pkg/hello' });
    const logs = ['2026-01-01T10:00:00.1Z stdout: höllo', ''];
    const kept = store().activations.append(write(row, { logs }));
    expect(await store().activations.get('guest', row.activationId)).toEqual(row);
    expect(await store().activations.logs('guest', row.activationId)).toEqual(logs);
    await kept;
    await reopen();
    expect(await store().activations.get('guest', row.activationId)).toEqual(row);
    expect(await store().activations.logs('guest', row.activationId)).toEqual(logs);
  });

  test('close writes pending records', async () => {
    const rows = Array.from({ length: 1_234 }, () => activationRow());
    const appends = rows.map((row) => store().activations.append(write(row)));
    await reopen();
    await Promise.all(appends);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(1_234);
  });

  test('a read includes every earlier append, whatever the load', async () => {
    const appends: Promise<unknown>[] = [];
    for (let total = 1; total <= 300; total++) {
      appends.push(store().activations.append(write(activationRow())));
      if (total % 7 === 0) expect(await store().activations.count({ namespace: 'guest' })).toBe(total);
    }
    await Promise.all(appends);
  });

  test('documents are kept whole: no response, an odd response, one MiB', async () => {
    const documents = [
      {},
      { response: null },
      { response: [1] },
      { response: { result: 'é'.repeat(1024 * 1024) } },
      { duration: 5, response: 'text', annotations: [{ key: 'kind', value: 'nodejs:24' }] },
    ];
    for (const document of documents) {
      const row = activationRow({ document });
      await store().activations.append(write(row));
      expect(await store().activations.get('guest', row.activationId)).toEqual(row);
    }
  });

  test('a long text in pieces is kept whole, even if two pieces share a character', async () => {
    const response = { result: 'ä€🦊'.repeat(300) };
    const logs = ['2026-01-01T10:00:00.1Z stdout: ä€🦊', '', '"[1]"'];
    for (const pieceBytes of [1, 7, 1000]) {
      const row = activationRow({ document: { version: '0.0.1', response } });
      const written = write(row, { logs: inPieces(JSON.stringify(logs), pieceBytes) });
      const responseJson = inPieces(JSON.stringify(response), pieceBytes);
      await store().activations.append({ ...written, row: { ...written.row, responseJson } });
      await reopen();
      expect(await store().activations.get('guest', row.activationId)).toEqual(row);
      expect(await store().activations.logs('guest', row.activationId)).toEqual(logs);
    }
  });

  test('are not found from another namespace', async () => {
    const { activationId } = activationRow();
    await store().activations.append(write(activationRow({ activationId }), { logs: ['secret'] }));
    expect(await store().activations.get('other', activationId)).toBeUndefined();
    expect(await store().activations.logs('other', activationId)).toBeUndefined();
    expect(await store().activations.logs('guest', activationId)).toEqual(['secret']);
  });

  test('a record without logs has empty logs; a missing record has none', async () => {
    const row = activationRow();
    await store().activations.append(write(row));
    expect(await store().activations.logs('guest', row.activationId)).toEqual([]);
    expect(await store().activations.logs('guest', newActivationId())).toBeUndefined();
  });

  test('a failed write does not affect the others of its batch', async () => {
    const rows = Array.from({ length: 30 }, () => activationRow());
    const twice = write(activationRow({ activationId: rows[3]?.activationId ?? '' }), { logs: ['forged'] });
    const orphan = write(activationRow({ namespace: 'nobody' }));
    const outcomes = await Promise.allSettled(
      [...rows.map((row) => write(row)), twice, orphan, write(activationRow())].map((one) =>
        store().activations.append(one),
      ),
    );
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }) => reason);
    expect(failures.map((fault) => fault.code)).toEqual(['STORE_DUPLICATE', 'STORE_NO_NAMESPACE']);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(31);
    expect(await store().activations.logs('guest', twice.row.activationId)).toEqual([]);
  });

  test('memory for pending records is bounded by room()', async () => {
    const big = { response: 'x'.repeat(1024 * 1024) };
    await store().activations.room();
    const appends = Array.from({ length: 40 }, () =>
      store().activations.append(write(activationRow({ document: big }))),
    );
    let settled = 0;
    for (const append of appends) append.then(() => settled++, expect.fail);
    await store().activations.room();
    expect(settled).toBeGreaterThan(0);
    await Promise.all(appends);
  });
}

export function listTests({ store }: Context): void {
  const starts = [1_000, 3_000, 2_000, 5_000, 4_000];
  const paths = ['hello', 'pkg/hello', 'hello', 'pkg/hello', 'other'];
  beforeEach(async () => {
    const rows = starts.map((start, index) => {
      const path = paths[index] ?? '';
      return activationRow({ start, path, name: path.split('/').at(-1) ?? '' });
    });
    await Promise.all(rows.map((row) => store().activations.append(write(row))));
  });

  const cases: readonly [string, object, readonly number[]][] = [
    ['newest first', {}, [5_000, 4_000, 3_000, 2_000, 1_000]],
    ['a page', { skip: 1, limit: 2 }, [4_000, 3_000]],
    ['past the end', { skip: 5 }, []],
    ['limit 0', { limit: 0 }, []],
    ['since, inclusive', { since: 3_000 }, [5_000, 4_000, 3_000]],
    ['upto, inclusive', { upto: 3_000 }, [3_000, 2_000, 1_000]],
    ['since and upto', { since: 2_000, upto: 4_000 }, [4_000, 3_000, 2_000]],
    ['since after upto', { since: 4_000, upto: 2_000 }, []],
    ['a name is unpackaged only', { path: 'hello' }, [2_000, 1_000]],
    ['a packaged name', { path: 'pkg/hello' }, [5_000, 3_000]],
    ['a package is not a name', { path: 'pkg' }, []],
    ['all filters', { path: 'pkg/hello', since: 4_000, upto: 9_000, limit: 1 }, [5_000]],
    ['another namespace', { namespace: 'other' }, []],
  ];
  test.each(cases)('%s', async (_, query, expected) => {
    const rows = await store().activations.list({ ...all, ...query });
    expect(rows.map((row) => row.start)).toEqual(expected);
  });

  test('only those that failed', async () => {
    const failed = [1, 3].map((statusCode) =>
      activationRow({ start: 6_000 + statusCode, path: 'hello', statusCode }),
    );
    await Promise.all(failed.map((row) => store().activations.append(write(row))));
    const startsOf = async (more: object) =>
      (await store().activations.list({ ...all, failed: true, ...more })).map(({ start }) => start);
    expect(await startsOf({})).toEqual([6_003, 6_001]);
    expect(await startsOf({ upto: 6_002 })).toEqual([6_001]);
    expect(await startsOf({ path: 'hello', skip: 1 })).toEqual([6_001]);
    expect(await startsOf({ path: 'other' })).toEqual([]);
    expect(await store().activations.count({ namespace: 'guest', failed: true })).toBe(2);
  });

  test('only calls, without firings of triggers', async () => {
    const firing = activationRow({ start: 7_000, path: 'uploaded', end: null });
    const failed = activationRow({ start: 7_001, path: 'hello', statusCode: 2 });
    for (const row of [firing, failed]) await store().activations.append(write(row));
    const startsOf = async (more: object) =>
      (await store().activations.list({ ...all, since: 6_900, ...more })).map(({ start }) => start);
    expect(await startsOf({})).toEqual([7_001, 7_000]);
    expect(await startsOf({ calls: true })).toEqual([7_001]);
    expect(await startsOf({ calls: true, failed: true })).toEqual([7_001]);
    expect(await startsOf({ calls: true, path: 'uploaded' })).toEqual([]);
    const count = (more: object) => store().activations.count({ namespace: 'guest', ...more });
    expect((await count({})) - (await count({ calls: true }))).toBe(1);
  });

  test('only those with a kind of start, whatever else their documents say', async () => {
    const annotated = (start: number, kind: string) =>
      activationRow({
        ...{ start, path: 'hello' },
        document: {
          annotations: [
            { key: 'start', value: kind },
            { key: 'hint', value: '"key":"start","value":"warm"' },
          ],
        },
      });
    const rows = [
      annotated(6_000, 'cold'),
      annotated(6_001, 'warm'),
      annotated(6_002, 'prewarmed'),
      annotated(6_003, 'cold'),
    ];
    await Promise.all(rows.map((row) => store().activations.append(write(row))));
    const startsOf = async (more: object) =>
      (await store().activations.list({ ...all, ...more })).map(({ start }) => start);
    expect(await startsOf({ startKind: 'cold' })).toEqual([6_003, 6_000]);
    expect(await startsOf({ startKind: 'warm' })).toEqual([6_001]);
    expect(await startsOf({ startKind: 'prewarmed', path: 'hello' })).toEqual([6_002]);
    expect(await startsOf({ startKind: 'cold', since: 6_001 })).toEqual([6_003]);
    expect(await startsOf({ startKind: 'cold', path: 'other' })).toEqual([]);
    expect(await startsOf({ startKind: 'warm', path: 'hello' })).toEqual([6_001]);
    const count = (more: object) => store().activations.count({ namespace: 'guest', ...more });
    expect([await count({ startKind: 'cold' }), await count({ startKind: 'warm', since: 6_002 })]).toEqual([
      2, 0,
    ]);
    const [, second] = rows;
    const some = await store().activations.briefs('guest', [second?.activationId ?? '', 'absent']);
    expect(some.map(({ start, document }) => [start, document['response']])).toEqual([[6_001, undefined]]);
    expect(await store().activations.briefs('other', [second?.activationId ?? ''])).toEqual([]);
    expect((await store().activations.newest({ namespace: 'guest' }, 2)).map(({ start }) => start)).toEqual([
      6_003, 6_002,
    ]);
  });

  test('the outcomes of some paths, the newest ones of each', async () => {
    await store().activations.append(
      write(activationRow({ start: 7_000, end: 7_040, path: 'hello', statusCode: 2 })),
    );
    const read = async (paths: readonly string[], limit: number) =>
      Array.fromAsync(store().activations.outcomes('guest', paths, limit));
    const starts = (await read(['pkg/hello', 'absent', 'hello'], 2)).map((rows) =>
      rows.map(({ start }) => start),
    );
    expect(starts).toEqual([[5_000, 3_000], [], [7_000, 2_000]]);
    const [[newest] = []] = await read(['hello'], 1);
    expect(newest).toEqual({
      ...{ activationId: expect.any(String), start: 7_000, end: 7_040, statusCode: 2 },
    });
  });

  test('a count has the filters of a list', async () => {
    const count = (more: object) => store().activations.count({ namespace: 'guest', ...more });
    expect(await count({})).toBe(5);
    expect(await count({ path: 'hello' })).toBe(2);
    expect(await count({ since: 2_000, upto: 3_000 })).toBe(2);
  });

  test('counts follow successful and failed writes', async () => {
    const row = activationRow();
    await store().activations.append(write(row));
    await Promise.allSettled([
      store().activations.append(write(row)),
      store().activations.append(write(row)),
    ]);
    expect(await store().activations.count({ namespace: 'guest' })).toBe(6);
    expect(await store().activations.count({ namespace: 'nobody' })).toBe(0);
  });

  test('far pages and large counts are exact', async () => {
    const rows = Array.from({ length: 41_000 }, (_, n) =>
      activationRow({ start: 10_000 + Math.floor(n / 3), path: n % 41 === 0 ? 'rare' : 'often' }),
    );
    for (let at = 0; at < rows.length; at += 10_000) {
      await Promise.all(rows.slice(at, at + 10_000).map((row) => store().activations.append(write(row))));
    }
    const pageAt = async (skip: number, more: object = {}) =>
      (await store().activations.list({ ...all, skip, limit: 3, since: 10_000, ...more })).map(
        (r) => r.start,
      );
    const newest = rows.map((row) => row.start).toReversed();
    for (const skip of [0, 19_999, 20_000, 20_001, 40_000, 40_998, 41_000, 10 ** 15]) {
      expect(await pageAt(skip)).toEqual(newest.slice(skip, skip + 3));
    }
    expect(await pageAt(38_000, { path: 'often', upto: 23_000 })).toHaveLength(3);
    const count = (more: object) => store().activations.count({ namespace: 'guest', ...more });
    expect(await count({})).toBe(41_005);
    expect(await count({ since: 0 })).toBe(41_005);
    expect(await count({ since: 10_001, upto: 23_000 })).toBe(39_000);
    expect(await count({ path: 'rare' })).toBe(1_000);
    expect(await count({ path: 'often', since: 0 })).toBe(40_000);
  });

  test('pages of records with the same time neither repeat nor miss one', async () => {
    const rows = Array.from({ length: 50 }, () => activationRow({ start: 9_000 }));
    await Promise.all(rows.map((row) => store().activations.append(write(row))));
    const seen: string[] = [];
    for (let skip = 0; skip < 50; skip += 7) {
      const limit = Math.min(7, 50 - skip);
      const page = await store().activations.list({ ...all, since: 9_000, skip, limit });
      seen.push(...page.map((row) => row.activationId));
    }
    expect(seen.toSorted()).toEqual(rows.map((row) => row.activationId).toSorted());
  });

  test('a brief list omits the responses', async () => {
    const [brief] = await store().activations.list({ ...all, limit: 1, brief: true });
    const [full] = await store().activations.list({ ...all, limit: 1 });
    expect(brief?.document).toEqual({ version: '0.0.1' });
    expect(full?.document['response']).toEqual({ status: 'success', result: { greeting: 'hi' } });
  });
}
