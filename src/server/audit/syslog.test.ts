import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseSyslogServer } from '../../forwarding/index.ts';
import { type GateStore, openGateStore } from '../../gate/index.ts';
import { silentLog, withTimeout } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { startAuditSyslog } from './syslog.ts';

/** A real server, which counts the bytes of each message as RFC 6587 says. */
async function receive(port = 0) {
  const messages: string[] = [];
  const server: Server = createServer((socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => messages.push(...messagesIn(Buffer.concat(parts))));
  });
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    messages,
    names: () => messages.map((message) => JSON.parse(message.slice(message.indexOf('] {') + 2)).name),
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => void (await new Promise((resolve) => server.close(resolve))),
  };
}

function messagesIn(bytes: Buffer): readonly string[] {
  const [, digits = ''] = /^(\d+) /.exec(bytes.toString('latin1')) ?? [];
  if (digits === '') return [];
  const begin = digits.length + 1;
  const end = begin + Number(digits);
  return [bytes.subarray(begin, end).toString(), ...messagesIn(bytes.subarray(end))];
}

test('sends each new entry once, waits for a server that is away, and goes on after a restart', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-syslog-'));
  await using store: Store = await openStore({ path: join(folder.path, 'ward.db') });
  await using chain: GateStore = await openGateStore({ path: join(folder.path, 'gate.db') });
  const add = (...names: string[]) =>
    chain.write({
      audit: names.map((name) => ({ time: new Date().toISOString(), event: 'x', actor: 'ü "a"]', name })),
    });
  const first = await receive();
  const server = parseSyslogServer(`tcp://127.0.0.1:${first.port}`);
  if (server === undefined) throw new Error('no server');
  const errors = vi.fn();
  const log = { ...silentLog, error: errors };
  const parts = {
    server,
    chain,
    log,
    isTurn: async () => true,
    timing: { lookEveryMs: 5, longestPauseMs: 5 },
  };
  await add('old');
  {
    await using _sending = startAuditSyslog({ ...parts, sent: store.sentEntries });
    await expect.poll(() => store.sentEntries.last(server.address)).toBe(1);
    await add('a', 'b');
    await expect.poll(first.names).toEqual(['a', 'b']);
    expect(first.messages[0]).toMatch(
      /^<109>1 \S+Z \S+ ward - audit \[ward@32473 seq="2" event="x" actor="ü \\"a\\"\\]" hash="[0-9a-f]{64}"\] \{"seq":2,/,
    );
    await first[Symbol.asyncDispose]();
    await add('c');
    await expect.poll(() => errors.mock.calls.length).toBe(1);
    await using second = await receive(first.port);
    await expect.poll(second.names).toEqual(['c']);
    await expect.poll(() => store.sentEntries.last(server.address)).toBe(4);
  }
  await add('d');
  await using third = await receive(first.port);
  {
    // Killed between sending and noting it: the entry comes again, with its number.
    const advance = vi.fn(async () => {
      throw new Error('killed');
    });
    await using _sending = startAuditSyslog({ ...parts, sent: { ...store.sentEntries, advance } });
    await expect.poll(() => advance.mock.calls.length).toBeGreaterThan(0);
  }
  await expect.poll(() => new Set(third.names())).toEqual(new Set(['d']));
  errors.mockClear();
  await using _sending = startAuditSyslog({ ...parts, sent: store.sentEntries });
  await expect.poll(() => store.sentEntries.last(server.address)).toBe(5);
  await add('e');
  await expect.poll(() => third.names().filter((name) => name !== 'd')).toEqual(['e']);
  expect(third.names().at(-1)).toBe('e');
  expect(errors).not.toHaveBeenCalled();
});

test('says when entries went before they were sent, and sends nothing when it is not its turn', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-syslog-'));
  await using store: Store = await openStore({ path: join(folder.path, 'ward.db') });
  await using chain: GateStore = await openGateStore({ path: join(folder.path, 'gate.db') });
  await using receiver = await receive();
  const server = parseSyslogServer(`tcp://127.0.0.1:${receiver.port}`);
  if (server === undefined) throw new Error('no server');
  const errors = vi.fn();
  const isTurn = vi.fn(async () => false);
  const parts = { server, chain, sent: store.sentEntries, log: { ...silentLog, error: errors } };
  const timing = { lookEveryMs: 5 };
  await store.sentEntries.advance(server.address, 1);
  const names = ['a', 'b', 'c', 'd'];
  await chain.write({
    audit: names.map((name) => ({ time: new Date().toISOString(), event: 'x', actor: 'a', name })),
  });
  await chain.cutAudit({ entries: 1, since: 0 });
  {
    await using _sending = startAuditSyslog({ ...parts, isTurn, timing });
    await expect.poll(() => isTurn.mock.calls.length).toBeGreaterThan(1);
  }
  expect(receiver.messages).toEqual([]);
  await using _sending = startAuditSyslog({ ...parts, isTurn: async () => true, timing });
  await expect.poll(receiver.names).toEqual(['d', expect.stringContaining('entries up to')]);
  expect(errors).toHaveBeenCalledOnce();
});

test('sends all of an audit log that begins anew, because the gate was lost', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-syslog-'));
  await using store: Store = await openStore({ path: join(folder.path, 'ward.db') });
  await using chain: GateStore = await openGateStore({ path: join(folder.path, 'gate.db') });
  await using receiver = await receive();
  const server = parseSyslogServer(`tcp://127.0.0.1:${receiver.port}`);
  if (server === undefined) throw new Error('no server');
  const add = (name: string) =>
    chain.write({ audit: [{ time: new Date().toISOString(), event: 'x', actor: 'a', name }] });
  const warn = vi.fn();
  const parts = { server, chain, sent: store.sentEntries, log: { ...silentLog, warn } };
  await store.sentEntries.advance(server.address, 1000);
  await add('a');
  await using _sending = startAuditSyslog({ ...parts, isTurn: async () => true, timing: { lookEveryMs: 5 } });
  await expect.poll(receiver.names).toEqual(['a']);
  await add('b');
  await expect.poll(receiver.names).toEqual(['a', 'b']);
  await expect.poll(() => store.sentEntries.last(server.address)).toBe(2);
  expect(warn).toHaveBeenCalledOnce();
});

test('ends at once when it is told to between reading entries and sending them', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-syslog-'));
  await using store: Store = await openStore({ path: join(folder.path, 'ward.db') });
  await using chain: GateStore = await openGateStore({ path: join(folder.path, 'gate.db') });
  // Takes connections, and never ends one.
  const silent = createServer({ allowHalfOpen: true });
  onTestFinished(() => void silent.close());
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  const server = parseSyslogServer(`tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  if (server === undefined) throw new Error('no server');
  await store.sentEntries.advance(server.address, 0);
  await chain.write({ audit: [{ time: new Date().toISOString(), event: 'x', actor: 'a', name: 'a' }] });
  const [asked, goesOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const searchAudit = async (...args: Parameters<GateStore['searchAudit']>) => {
    asked.resolve();
    await goesOn.promise;
    return chain.searchAudit(...args);
  };
  const parts = { server, chain: { searchAudit }, sent: store.sentEntries, log: silentLog };
  const sending = startAuditSyslog({ ...parts, isTurn: async () => true });
  await asked.promise;
  const ended = Promise.resolve(sending[Symbol.asyncDispose]());
  goesOn.resolve();
  expect(
    await withTimeout(
      ended.then(() => 'ended'),
      3000,
      () => 'still going',
    ),
  ).toBe('ended');
  expect(await store.sentEntries.last(server.address)).toBe(0);
});
