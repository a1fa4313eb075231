import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { silentLog } from '../lib/index.ts';
import { type BusAddresses, parseBusAddresses } from './addresses.ts';
import { missingForNats, type NatsServers, startNats } from './nats-server.fixture.ts';
import { openBus } from './open-bus.ts';
import type { Bus } from './types.ts';

const messageBytes = 1024 * 1024;
let missing: string | undefined;
let shared: NatsServers;

beforeAll(async () => {
  missing = await missingForNats();
  if (missing === undefined) shared = await startNats();
});
afterAll(async () => shared?.[Symbol.asyncDispose]());

function needsNats({ skip }: TestContext): void {
  if (missing !== undefined) skip(missing);
}

const open = ({ addresses }: { readonly addresses: BusAddresses }, log = silentLog) =>
  openBus({ addresses, name: 'test', messageBytes, log });

async function upBus(servers: { readonly addresses: BusAddresses }): Promise<Bus> {
  const bus = await open(servers);
  expect(await bus.untilUp(30_000)).toBe(true);
  return bus;
}

/** Resolves when the bus has next been down, however shortly. */
function untilDown(bus: Bus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  bus.onState((state) => state === 'down' && resolve());
  return promise;
}

/** The texts that arrive, as they do. */
function hear(bus: Bus, subject: string): string[] {
  const heard: string[] = [];
  bus.subscribe(subject, ({ bytes }) => heard.push(bytes.toString()));
  return heard;
}

describe('the addresses of a bus', () => {
  it.each([
    ['nats://a', ['a:4222'], false],
    ['nats://a:1, nats://b', ['a:1', 'b:4222'], false],
    ['tls://[::1]:4000', ['[::1]:4000'], true],
  ])('%s', (text, servers, isTls) => {
    expect(parseBusAddresses(text)).toEqual({ servers, isTls, user: undefined, password: undefined });
  });

  it('may have a user and a password, which are never shown', () => {
    expect(parseBusAddresses('nats://me:p%40ss@a')).toMatchObject({ user: 'me', password: 'p@ss' });
    expect(() => parseBusAddresses('nats://me:secret@a/path')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
  });

  it.each(['', 'a:4222', 'http://a', 'nats://', 'nats://a,,nats://b', 'nats://a,tls://b', 'nats://a:1/x?y'])(
    'are refused: %j',
    (text) => {
      expect(() => parseBusAddresses(text)).toThrow(
        expect.objectContaining({ code: 'BUS_ADDRESS_INVALID', kind: 'invalid' }),
      );
    },
  );
});

describe('a bus', () => {
  it('brings a message to all who subscribed, until they leave', async (context) => {
    needsNats(context);
    await using here = await upBus(shared);
    await using there = await upBus(shared);
    const [first, second] = [hear(there, 'a.*.c'), hear(there, 'a.>')];
    const leaving: string[] = [];
    const left = there.subscribe('a.b.c', ({ bytes }) => leaving.push(bytes.toString()));
    await there.flush();
    expect(here.publish('a.b.c', Buffer.from('one'))).toBe(true);
    await expect.poll(() => [first, second, leaving]).toEqual([['one'], ['one'], ['one']]);
    left[Symbol.dispose]();
    await there.flush();
    here.publish('a.b.c', Buffer.from('two'));
    await expect
      .poll(() => [first, second])
      .toEqual([
        ['one', 'two'],
        ['one', 'two'],
      ]);
    expect(leaving).toEqual(['one']);
  });

  it('says at the reply subject that no one has subscribed', async (context) => {
    needsNats(context);
    await using bus = await upBus(shared);
    const unheard: boolean[] = [];
    bus.subscribe('reply.1', ({ isUnheard }) => unheard.push(isUnheard));
    bus.publish('nobody', Buffer.from('x'), 'reply.1');
    await expect.poll(() => unheard).toEqual([true]);
  });

  it('goes on after a handler has failed', async (context) => {
    needsNats(context);
    await using bus = await upBus(shared);
    bus.subscribe('fails', () => {
      throw new Error('no');
    });
    const heard = hear(bus, 'fails');
    bus.publish('fails', Buffer.from('one'));
    bus.publish('fails', Buffer.from('two'));
    await expect.poll(() => heard).toEqual(['one', 'two']);
  });

  it('refuses a message that is too large', async (context) => {
    needsNats(context);
    await using bus = await upBus(shared);
    expect(() => bus.publish('a', Buffer.alloc(messageBytes + 1))).toThrow(
      expect.objectContaining({ code: 'BUS_MESSAGE_TOO_LARGE' }),
    );
  });

  it('drops what is published while it is down, and comes back with its subscriptions', async (context) => {
    needsNats(context);
    await using servers = await startNats();
    await using bus = await upBus(servers);
    const states: string[] = [];
    bus.onState((state) => states.push(state));
    const heard = hear(bus, 'a');
    await servers.kill();
    await expect.poll(() => bus.state).toBe('down');
    expect(bus.publish('a', Buffer.from('lost'))).toBe(false);
    await expect(bus.flush()).rejects.toMatchObject({ code: 'BUS_DOWN', kind: 'unreachable' });
    await servers.restart();
    expect(await bus.untilUp(30_000)).toBe(true);
    expect(states).toEqual(['down', 'up']);
    expect(bus.publish('a', Buffer.from('found'))).toBe(true);
    await expect.poll(() => heard).toEqual(['found']);
  });

  it('moves to another server of the cluster', async (context) => {
    needsNats(context);
    await using servers = await startNats(3);
    // A client takes its servers in a random order, so each bus knows the one that it starts with, and the last one.
    const at = (index: number) => ({
      addresses: {
        ...servers.addresses,
        servers: servers.addresses.servers.filter((_, each) => each === index || each === 2),
      },
    });
    await servers.kill(2);
    await using here = await upBus(at(0));
    await using there = await upBus(at(1));
    const heard = hear(there, 'a');
    await there.flush();
    await expect
      .poll(() => here.publish('a', Buffer.from('before')) && heard.length, { interval: 20 })
      .toBeGreaterThan(0);
    await servers.restart(2);
    const moved = [here, there].map(untilDown);
    await Promise.all([servers.kill(0), servers.kill(1)]);
    await Promise.all(moved);
    await expect
      .poll(() => here.publish('a', Buffer.from('after')) && heard.includes('after'), { interval: 20 })
      .toBe(true);
  });

  it('notices a server that hangs', async (context) => {
    needsNats(context);
    await using servers = await startNats();
    await using bus = await upBus(servers);
    using _ = servers.pause();
    await expect.poll(() => bus.state).toBe('down');
  });

  it('keeps a bounded number of bytes for a server that takes none', async (context) => {
    needsNats(context);
    await using servers = await startNats();
    await using bus = await upBus(servers);
    using _ = servers.pause();
    const bytes = Buffer.alloc(messageBytes);
    let taken = 0;
    while (taken < 1000 && bus.publish('a', bytes)) taken++;
    expect(taken).toBe(128);
  });

  it('takes more when the server has confirmed the rest', async (context) => {
    needsNats(context);
    await using bus = await upBus(shared);
    const bytes = Buffer.alloc(messageBytes);
    for (let n = 0; n < 100; n++) expect(bus.publish('nobody', bytes)).toBe(true);
    await bus.flush();
    for (let n = 0; n < 100; n++) expect(bus.publish('nobody', bytes)).toBe(true);
  });

  it('stays down while the server does not know its user', async (context) => {
    needsNats(context);
    await using servers = await startNats(1, ['--user', 'me', '--pass', 'secret']);
    await using stranger = await open(servers);
    await using known = await open({
      addresses: { ...servers.addresses, user: 'me', password: 'secret' },
    });
    expect(await known.untilUp(30_000)).toBe(true);
    expect(stranger.state).toBe('down');
  });

  it('stays down while the server accepts too little', async (context) => {
    needsNats(context);
    const folder = await mkdtemp(join(tmpdir(), 'ward-nats-'));
    try {
      await writeFile(join(folder, 'small.conf'), 'max_payload: 65536\n');
      await using servers = await startNats(1, ['--config', join(folder, 'small.conf')]);
      const reasons = Promise.withResolvers<unknown>();
      const log = Object.assign(Object.create(silentLog), {
        warn: ({ reason }: { readonly reason: string }) => reasons.resolve(reason),
      });
      await using bus = await open(servers, log);
      expect(await reasons.promise).toBe('the server accepts only messages of up to 65536 bytes');
      expect(bus.state).toBe('down');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('can be closed before it is up', async () => {
    const bus = await open({ addresses: parseBusAddresses('nats://127.0.0.1:1') });
    expect(await bus.untilUp(10)).toBe(false);
    await bus[Symbol.asyncDispose]();
    expect(bus.state).toBe('down');
  });
});
