import { expect, test } from 'vitest';
import { Fault } from '../lib/index.ts';
import type { RunBatch, Unit } from './batch.ts';
import { groupWriter } from './group-writer.ts';

/** A disk that writes on request. */
function slowDisk() {
  const batches: number[] = [];
  const waiting: (() => void)[] = [];
  const run: RunBatch = (units) => {
    batches.push(units.length);
    return new Promise((resolve) => waiting.push(() => resolve(units.map((unit) => unit.length))));
  };
  const step = () => waiting.shift()?.();
  return { batches, run, step };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const unit = (text: string): Unit => [{ statement: { sql: '', arity: 1 }, values: [text] }];
const write = (urgent: boolean, text = '', namespace = 'n') => ({ namespace, urgent, unit: unit(text) });

test('a few writes wait for others; 500 writes, an urgent one or a flush start a batch at once', async () => {
  for (const start of ['500', 'urgent', 'flush']) {
    const disk = slowDisk();
    const writer = groupWriter(disk.run);
    const writes = Array.from({ length: 499 }, () => writer.submit(write(false)));
    await turn();
    expect(disk.batches).toEqual([]);
    const more = start === 'flush' ? writer.flush() : writer.submit(write(start === 'urgent'));
    await turn();
    expect(disk.batches).toEqual([start === 'flush' ? 499 : 500]);
    disk.step();
    await Promise.all([...writes, more]);
  }
});

test('a single write starts after the gathering time', async () => {
  const disk = slowDisk();
  const written = groupWriter(disk.run).submit(write(false));
  while (disk.batches.length === 0) await turn();
  disk.step();
  expect(await written).toBe(1);
});

test('one batch is written at a time, of at most 500, in order', async () => {
  const disk = slowDisk();
  const writer = groupWriter(disk.run);
  const settled: number[] = [];
  for (let index = 0; index < 1_200; index++) {
    writer.submit(write(true)).then(() => settled.push(index), expect.fail);
  }
  await turn();
  expect(disk.batches).toEqual([500]);
  for (const expected of [500, 1_000, 1_200]) {
    disk.step();
    await turn();
    await turn();
    expect(settled.length).toBe(expected);
  }
  expect(disk.batches).toEqual([500, 500, 200]);
  expect(settled).toEqual(settled.toSorted((a, b) => a - b));
});

test('a batch holds at most 8 Mi characters, or one unit', async () => {
  const disk = slowDisk();
  const writer = groupWriter(disk.run);
  const huge = 'x'.repeat(9 * 1024 * 1024);
  const writes = ['', huge, huge, '', ''].map((text) => writer.submit(write(true, text)));
  for (let batch = 0; batch < 4; batch++) {
    await turn();
    await turn();
    disk.step();
  }
  await Promise.all(writes);
  expect(disk.batches).toEqual([1, 1, 1, 2]);
});

test('room is refused while too much waits, and granted after it is written', async () => {
  const disk = slowDisk();
  const writer = groupWriter(disk.run);
  expect(writer.room()).toBeUndefined();
  const written = writer.submit(write(true, 'x'.repeat(33 * 1024 * 1024)));
  let hasRoom = false;
  const room = writer.room()?.then(() => {
    hasRoom = true;
  });
  await turn();
  expect(hasRoom).toBe(false);
  disk.step();
  await Promise.all([written, room]);
  expect(hasRoom).toBe(true);
  expect(writer.room()).toBeUndefined();
});

test('a flush for a namespace writes only if it has unwritten rows', async () => {
  const disk = slowDisk();
  const writer = groupWriter(disk.run);
  const written = writer.submit(write(false, '', 'a'));
  await writer.flushNamespace('b');
  expect(disk.batches).toEqual([]);
  const flushed = writer.flushNamespace('a');
  await turn();
  expect(disk.batches).toEqual([1]);
  disk.step();
  await Promise.all([written, flushed]);
  await writer.flushNamespace('a');
  expect(disk.batches).toEqual([1]);
});

test('when a batch fails, all its writes fail, and the next batch is tried', async () => {
  let calls = 0;
  const writer = groupWriter((units) =>
    ++calls === 1 ? Promise.reject(new Error('no disk')) : Promise.resolve(units.map(() => 1)),
  );
  const failed = await Promise.allSettled([writer.submit(write(true)), writer.submit(write(true))]);
  expect(failed.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  expect(await writer.submit(write(true))).toBe(1);
  await writer.flush();
});

test('while the disk is full, lasting writes wait in order, and the rest are refused', async () => {
  const full = new Fault('STORE_FULL', 'full', 'no space');
  let hasRoom = false;
  const written: unknown[] = [];
  const writer = groupWriter(async (units) => {
    if (!hasRoom) throw full;
    written.push(...units.map(([step]) => step?.values[0]));
    return units.map(() => 1);
  });
  const lasting = (text: string) => writer.submit({ ...write(false, text), lasting: true });
  const first = lasting('first');
  const refused = writer.submit(write(true, 'refused'));
  await expect(refused).rejects.toBe(full);
  await expect(writer.flush()).rejects.toBe(full);
  await expect(writer.flushNamespace('n')).rejects.toBe(full);
  await writer.flushNamespace('other');
  const second = lasting('second');
  await expect(writer.submit(write(true, 'again'))).rejects.toBe(full);
  hasRoom = true;
  await Promise.all([first, second]);
  await writer.flush();
  await writer.submit(write(true, 'third'));
  expect(written).toEqual(['first', 'second', 'third']);
});

/** A disk that accepts nothing until it is told to. */
function failingDisk(fault: Fault) {
  const disk = { isWell: false, written: [] as unknown[], tries: 0 };
  const run: RunBatch = async (units) => {
    disk.tries++;
    if (!disk.isWell) throw fault;
    disk.written.push(...units.map(([step]) => step?.values[0]));
    return units.map(() => 1);
  };
  return { disk, run };
}

test.each([
  ['STORE_FULL', 'full'],
  ['STORE_UNWRITABLE', 'busy'],
  ['STORE_LOCKED', 'busy'],
  ['STORE_CORRUPT', 'host'],
] as const)('%s is a trouble until a write succeeds, and nothing lasting is lost', async (code, kind) => {
  const { disk, run } = failingDisk(new Fault(code, kind, 'no'));
  const told: (string | undefined)[] = [];
  const writer = groupWriter(run, { onRecording: (trouble) => told.push(trouble?.fault.code) });
  expect(writer.recording.trouble()).toBeUndefined();
  const before = Date.now();
  const waits = writer.submit({ ...write(false, 'waits'), lasting: true });
  await expect(writer.submit(write(true))).rejects.toMatchObject({ code });
  expect(writer.recording.trouble()).toMatchObject({ fault: { code } });
  expect(writer.recording.trouble()?.since).toBeGreaterThanOrEqual(before);
  expect(writer.recording.waiting()).toBe(1);
  disk.isWell = true;
  await waits;
  expect(disk.written).toEqual(['waits']);
  expect(writer.recording.trouble()).toBeUndefined();
  expect(told).toEqual([code, undefined]);
});

test('a probe ends the trouble when nothing else waits', async () => {
  const { disk, run } = failingDisk(new Fault('STORE_FULL', 'full', 'no'));
  const ended = Promise.withResolvers<void>();
  const writer = groupWriter(run, {
    probe: unit('probe'),
    onRecording: (trouble) => trouble === undefined && ended.resolve(),
  });
  await expect(writer.submit(write(true))).rejects.toMatchObject({ code: 'STORE_FULL' });
  disk.isWell = true;
  await ended.promise;
  expect(disk.written).toEqual(['probe']);
  expect(writer.recording.waiting()).toBe(0);
});

test('a write that would fail again is not retried, but still counts as trouble', async () => {
  const { disk, run } = failingDisk(new Fault('STORE_FAILED', 'host', 'no'));
  const writer = groupWriter(run, { probe: unit('probe') });
  const record = writer.submit({ ...write(true, 'record'), lasting: true, essential: true });
  await expect(record).rejects.toMatchObject({ code: 'STORE_FAILED' });
  expect(writer.recording.trouble()).toBeDefined();
  disk.isWell = true;
  while (writer.recording.trouble() !== undefined) await turn();
  expect(disk.written).toEqual(['probe']);
});

test('a store that is closed during trouble is not written again', async () => {
  let fault = new Fault('STORE_FULL', 'full', 'no');
  let tries = 0;
  const run: RunBatch = () => {
    tries++;
    return Promise.reject(fault);
  };
  const writer = groupWriter(run, { probe: unit('probe') });
  const record = writer.submit({ ...write(true), lasting: true });
  await expect(writer.flush()).rejects.toMatchObject({ code: 'STORE_FULL' });
  fault = new Fault('STORE_CLOSED', 'busy', 'closed');
  await expect(record).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  expect([tries, writer.recording.waiting()]).toEqual([2, 0]);
});

test('a closed store is not trouble, and is not written again', async () => {
  const { disk, run } = failingDisk(new Fault('STORE_CLOSED', 'busy', 'closed'));
  const writer = groupWriter(run, { probe: unit('probe') });
  const record = writer.submit({ ...write(true), lasting: true });
  await expect(record).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  expect(writer.recording.trouble()).toBeUndefined();
  expect([disk.tries, writer.recording.waiting()]).toEqual([1, 0]);
});

test('during trouble memory is bounded: past the bound, only small essential writes wait', async () => {
  const { disk, run } = failingDisk(new Fault('STORE_FULL', 'full', 'no'));
  const writer = groupWriter(run);
  await expect(writer.submit(write(true))).rejects.toMatchObject({ code: 'STORE_FULL' });
  const lasting = (text: string, essential = false) =>
    writer.submit({ ...write(false, text), lasting: true, essential });
  const mebibyte = 'x'.repeat(1024 * 1024);
  const writes = Array.from({ length: 31 }, () => lasting(mebibyte));
  const backlog = { code: 'STORE_BACKLOG', kind: 'busy' };
  await expect(lasting(mebibyte)).rejects.toMatchObject(backlog);
  await expect(lasting(mebibyte, true)).rejects.toMatchObject(backlog);
  writes.push(lasting('x'.repeat(1016 * 1024)));
  const small = 'x'.repeat(8 * 1024);
  await expect(lasting(small)).rejects.toMatchObject(backlog);
  writes.push(lasting(small, true));
  // No write waits for memory that only the disk can free.
  expect(writer.room()).toBeUndefined();
  disk.isWell = true;
  await Promise.all(writes);
  expect(disk.written.at(-1)).toBe(small);
});
