import { expect, onTestFinished, test, vi } from 'vitest';
import { silentLog } from '../../lib/index.ts';
import type { ForwardingErrorStore } from '../../store/index.ts';
import { type Platform, startPlatform } from '../platform.fixture.ts';
import { createErrorLog } from './error-log.ts';
import { forwardingRevision } from './stored-destination.ts';

const forwarding = { ceiling: { public: true, rules: [] } };
const syslog = (host: string) => ({ syslog: { host, port: 6514 } });
const longest = 3_600_000;

async function withDestination(namespace = 'guest'): Promise<Platform> {
  const platform = await startPlatform({ forwarding });
  onTestFinished(() => platform[Symbol.asyncDispose]());
  await platform.functions.logForwarding.set(namespace, syslog('log.example'));
  return platform;
}

async function revisionOf({ store }: Platform, namespace = 'guest'): Promise<string> {
  return forwardingRevision((await store.namespaces.byName(namespace))?.settings ?? {}) ?? '';
}

type Replace = ForwardingErrorStore['replace'];

/** What one server notes. */
function server({ store }: Platform, everyMs = 1, replace: Replace = store.forwardingErrors.replace) {
  const replaced = vi.fn(replace);
  const forwardingErrors = { ...store.forwardingErrors, replace: replaced };
  const log = createErrorLog({ store: { ...store, forwardingErrors }, log: silentLog, everyMs });
  onTestFinished(() => log.close());
  const listed = async () => (await log.list('guest')).map(({ text, times }) => `${times} × ${text}`);
  return { ...{ replaced, listed }, note: log.note.bind(log), close: log.close.bind(log) };
}

test('each server lists the errors of all, added up, and so does a later one', async () => {
  const platform = await withDestination();
  const revision = await revisionOf(platform);
  const servers = [server(platform), server(platform)];
  for (let at = 0; at < 100; at++) {
    for (const each of servers) each.note({ namespace: 'guest', revision, text: 'answered 503' });
    if (at % 10 === 0) await servers[at % 20 === 0 ? 0 : 1]?.listed();
  }
  servers[1]?.note({ namespace: 'guest', revision, text: 'answered 403' });
  for (const each of [...servers, server(platform)])
    await expect.poll(each.listed).toEqual(['200 × answered 503', '1 × answered 403']);
});

test('an error is listed at once where it is noted, and once while it is written', async () => {
  const platform = await withDestination();
  const revision = await revisionOf(platform);
  const { listed, note } = server(platform);
  for (let at = 1; at <= 50; at++) {
    note({ namespace: 'guest', revision, text: 'away' });
    expect(await listed()).toEqual([`${at} × away`]);
  }
});

test('new settings begin without errors, also without those that a server has not written yet', async () => {
  const platform = await withDestination();
  const old = await revisionOf(platform);
  const [one, slow] = [server(platform), server(platform, longest)];
  one.note({ namespace: 'guest', revision: old, text: 'written' });
  await expect.poll(slow.listed).toEqual(['1 × written']);
  slow.note({ namespace: 'guest', revision: old, text: 'first' });
  await expect.poll(one.listed).toContain('1 × first');
  slow.note({ namespace: 'guest', revision: old, text: 'waits' });
  await platform.functions.logForwarding.set('guest', syslog('log.example'));
  const revision = await revisionOf(platform);
  expect(revision).not.toBe(old);
  one.note({ namespace: 'guest', revision, text: 'new' });
  await expect.poll(slow.listed).toEqual(['1 × new']);
  await slow.close();
  expect(await one.listed()).toEqual(['1 × new']);
  await platform.functions.logForwarding.set('guest', { adobe_io_runtime: {} });
  expect(await one.listed()).toEqual([]);
});

test('a namespace of the same name does not get them', async () => {
  const platform = await withDestination();
  const { namespaces, logForwarding } = platform.functions;
  const { listed, note, close } = server(platform, longest);
  const revision = await revisionOf(platform);
  note({ namespace: 'guest', revision, text: 'of the former owner' });
  await expect.poll(server(platform).listed).toHaveLength(1);
  note({ namespace: 'guest', revision, text: 'waits' });
  await namespaces.delete('guest');
  await namespaces.create('guest');
  await logForwarding.set('guest', syslog('log.example'));
  expect(await listed()).toEqual([]);
  await close();
  expect(await server(platform).listed()).toEqual([]);
});

test('a destination that always fails costs few writes, and few bytes', async () => {
  const platform = await withDestination();
  const revision = await revisionOf(platform);
  const { listed, note, close, replaced } = server(platform, longest);
  note({ namespace: 'guest', revision, text: 'the first' });
  await expect.poll(() => replaced.mock.results.length).toBe(1);
  for (let at = 0; at < 10_000; at++) note({ namespace: 'guest', revision, text: `${at} were given up` });
  const last = Array.from({ length: 10 }, (_, at) => `1 × ${9_990 + at} were given up`);
  expect(await listed()).toEqual(last);
  expect(replaced).toHaveBeenCalledTimes(1);
  await close();
  expect(replaced).toHaveBeenCalledTimes(2);
  expect(JSON.stringify(await platform.store.forwardingErrors.get('guest')).length).toBeLessThan(1000);
});

test('of many namespaces that fail, few are written at a time, and each gets its turn', async () => {
  const platform = await withDestination();
  const { namespaces, logForwarding } = platform.functions;
  const names = Array.from({ length: 70 }, (_, at) => `n${at}`);
  for (const name of names) {
    await namespaces.create(name);
    await logForwarding.set(name, syslog('log.example'));
  }
  const revisions = new Map(
    await Promise.all(names.map(async (name) => [name, await revisionOf(platform, name)] as const)),
  );
  const { note, close, replaced } = server(platform, longest);
  const noteAll = () => {
    for (const [namespace, revision] of revisions) note({ namespace, revision, text: 'away' });
  };
  noteAll();
  await expect.poll(() => replaced.mock.settledResults.length).toBe(50);
  noteAll();
  await close();
  expect(replaced).toHaveBeenCalledTimes(100);
  expect(new Set(replaced.mock.calls.map(([namespace]) => namespace)).size).toBe(70);
});

test('what could not be written is written later', async () => {
  const platform = await withDestination();
  const revision = await revisionOf(platform);
  const { replace } = platform.store.forwardingErrors;
  const trouble = vi
    .fn<Replace>(replace)
    .mockRejectedValueOnce(new Error('disk'))
    .mockResolvedValueOnce(false);
  const { note, listed } = server(platform, 1, trouble);
  note({ namespace: 'guest', revision, text: 'away' });
  await expect.poll(server(platform).listed).toEqual(['1 × away']);
  expect(await listed()).toEqual(['1 × away']);
  expect(trouble).toHaveBeenCalledTimes(3);
});
