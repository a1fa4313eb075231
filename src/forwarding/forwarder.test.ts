import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { type HostAndPort, pinAddress } from '../egress/index.ts';
import { mustRun, silentLog, withTimeout } from '../lib/index.ts';
import { type Destination, parseDestination } from './destination.ts';
import { createForwarder, type ForwarderTiming } from './forwarder.ts';
import { addUpErrors, type ForwardingError, shownError } from './forwarding-errors.ts';
import { type Receiver, startReceiver } from './receiver.fixture.ts';
import { missingForRsyslog, startRsyslog } from './rsyslog.fixture.ts';

const quick = { collectMs: 0, firstPauseMs: 1, longestPauseMs: 20, sendMs: 2000 };

function splunk(port: number, scheme = 'http'): Destination {
  const host = `${scheme}://127.0.0.1`;
  const parsed = parseDestination({ splunk_hec: { host, port, index: 'main', hec_token: 's3cret' } });
  if (parsed === undefined) throw new Error('no destination');
  return parsed;
}

interface Options {
  readonly destinations: Record<string, Destination | undefined>;
  readonly logs?: Record<string, readonly string[]>;
  readonly timing?: Partial<ForwarderTiming>;
  readonly pin?: (place: HostAndPort) => Promise<string>;
  readonly onRead?: (activationId: string) => void;
  /** Of the settings. */
  readonly revision?: () => string;
}

function start({
  destinations,
  logs = {},
  timing = {},
  pin = async ({ host }) => host,
  onRead = () => {},
  revision = () => 'one',
}: Options) {
  const noted = new Map<string, readonly ForwardingError[]>();
  const failedRevisions: string[] = [];
  const forwarder = createForwarder({
    async read(_, id) {
      onRead(id);
      return logs[id] ?? [`2026-11-28T20:55:01.000000000Z stdout: ${id}`];
    },
    async settingsOf(namespace) {
      const destination = destinations[namespace];
      return destination && { destination, revision: revision() };
    },
    pin,
    report({ namespace, revision: failed, text }) {
      failedRevisions.push(failed);
      const errors = [...(noted.get(namespace) ?? []), { text, times: 1, lastAt: Date.now() }];
      noted.set(namespace, addUpErrors(errors));
    },
    log: silentLog,
    timing: { ...quick, ...timing },
  });
  onTestFinished(() => forwarder.close(1000));
  const add = (activationId: string, namespace = 'guest') =>
    forwarder.add({ namespace, action: 'hello', activationId }, revision());
  return {
    add,
    failedRevisions,
    errors: (namespace: string) => (noted.get(namespace) ?? []).map(shownError),
    close: (withinMs: number) => forwarder.close(withinMs),
  };
}

/** Takes connections, and never says or ends anything. */
async function startSilent() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { sockets, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
}

async function receiver(): Promise<Receiver> {
  const started = await startReceiver();
  onTestFinished(() => started[Symbol.asyncDispose]());
  return started;
}

/** The lines that a receiver took. */
const messagesOf = ({ received }: Receiver): string[] =>
  received.flatMap(({ body }) => body.split('\n').map((line) => JSON.parse(line).event.message));

test('many activations go in few requests, each line once and in order', async () => {
  const splunkServer = await receiver();
  const { add } = start({ destinations: { guest: splunk(splunkServer.port) } });
  const ids = Array.from({ length: 1500 }, (_, at) => `a${at}`);
  for (const id of ids) add(id);
  await expect.poll(() => messagesOf(splunkServer).length).toBe(1500);
  expect(messagesOf(splunkServer)).toEqual(ids);
  expect(splunkServer.received).toHaveLength(2);
});

test('a namespace without a destination sends nothing', async () => {
  const splunkServer = await receiver();
  const { add, close } = start({ destinations: { other: splunk(splunkServer.port) } });
  add('a');
  add('b', 'other');
  await close(1000);
  expect(messagesOf(splunkServer)).toEqual(['b']);
});

test('after an outage everything arrives once, and the error says what happened', async () => {
  const splunkServer = await receiver();
  splunkServer.status = 503;
  splunkServer.headers = { 'retry-after': '1' };
  const { add, errors } = start({ destinations: { guest: splunk(splunkServer.port) } });
  add('a');
  await expect.poll(() => splunkServer.received.length).toBeGreaterThan(2);
  add('b');
  splunkServer.received.length = 0;
  splunkServer.status = 200;
  await expect.poll(() => messagesOf(splunkServer).includes('b')).toBe(true);
  expect(messagesOf(splunkServer).filter((each) => each === 'b')).toHaveLength(1);
  expect(errors('guest')).toEqual([
    expect.stringMatching(/^\d{4}-.*Z \(\d+ times, last\): the destination answered 503$/),
  ]);
});

test('failures with earlier settings are no reason to give up with new ones', async () => {
  const splunkServer = await receiver();
  splunkServer.status = 503;
  const { add, errors, failedRevisions } = start({
    destinations: { guest: splunk(splunkServer.port) },
    revision: () => (splunkServer.received.length >= 5 ? 'two' : 'one'),
  });
  add('a');
  await expect
    .poll(() => errors('guest').at(-1))
    .toMatch(/answered 503; the log of 1 activation was given up$/);
  expect(failedRevisions).toEqual([...Array(5).fill('one'), ...Array(8).fill('two')]);
});

test('a refusal is final, and the error has neither the answer nor the token', async () => {
  const splunkServer = await receiver();
  splunkServer.status = 403;
  const { add, errors } = start({ destinations: { guest: splunk(splunkServer.port) } });
  add('a');
  add('b');
  await expect.poll(() => errors('guest').length).toBe(1);
  expect(errors('guest')[0]).toMatch(
    /: the destination answered 403; the logs of 2 activations were given up$/,
  );
  splunkServer.status = 200;
  add('c');
  await expect.poll(() => messagesOf(splunkServer).at(-1)).toBe('c');
  expect(splunkServer.received).toHaveLength(2);
});

test('after an error, an activation that ends at the very end of sending is sent too', async () => {
  const splunkServer = await receiver();
  const soon = (steps: number, then: () => void): void =>
    queueMicrotask(() => (steps === 0 ? then() : soon(steps - 1, then)));
  const steps = Array.from({ length: 60 }, (_, at) => at);
  for (const at of steps) {
    const read: string[] = [];
    const { add, errors } = start({
      destinations: { guest: splunk(splunkServer.port) },
      logs: { quiet: [] },
      pin: (place) => pinAddress(place, { public: true, rules: [] }),
      onRead(id) {
        read.push(id);
        if (id === 'quiet') soon(at, () => add('late'));
      },
    });
    add('refused');
    await expect.poll(() => errors('guest').length, { interval: 1 }).toBe(1);
    add('quiet');
    await expect.poll(() => read, { interval: 1, message: `after ${at} steps` }).toContain('late');
  }
});

test('redirects are not followed', async () => {
  const [splunkServer, inside] = [await receiver(), await receiver()];
  splunkServer.status = 307;
  splunkServer.headers = { location: `http://127.0.0.1:${inside.port}/` };
  const { add, errors } = start({ destinations: { guest: splunk(splunkServer.port) } });
  add('a');
  await expect.poll(() => errors('guest')).toEqual([expect.stringContaining('answered 307')]);
  expect(inside.received).toEqual([]);
});

test('the checked address is used, and a refused one is given up', async () => {
  const splunkServer = await receiver();
  const asked: string[] = [];
  const named = parseDestination({
    splunk_hec: { host: 'http://log.example', port: splunkServer.port, index: 'main', hec_token: 's3cret' },
  });
  const { add } = start({
    destinations: { guest: named },
    pin: async ({ host }) => {
      asked.push(host);
      return '127.0.0.1';
    },
  });
  add('a');
  await expect.poll(() => messagesOf(splunkServer)).toEqual(['a']);
  expect(asked).toEqual(['log.example']);
  expect(splunkServer.received[0]?.headers.host).toBe(`log.example:${splunkServer.port}`);
  const refused = start({
    destinations: { guest: named },
    pin: (place) => pinAddress(place, { public: true, rules: [] }, async () => ['127.0.0.1']),
  });
  refused.add('b');
  await expect
    .poll(() => refused.errors('guest'))
    .toEqual([expect.stringMatching(/is loopback; the log of 1 /)]);
  expect(messagesOf(splunkServer)).toEqual(['a']);
});

test('a destination that never answers delays no other namespace, and no stop', async () => {
  const { sockets, port } = await startSilent();
  const splunkServer = await receiver();
  const { add, errors, close } = start({
    destinations: { slow: splunk(port), guest: splunk(splunkServer.port) },
    timing: { sendMs: 60_000 },
  });
  add('a', 'slow');
  await expect.poll(() => sockets.length).toBe(1);
  add('b');
  await expect.poll(() => messagesOf(splunkServer)).toEqual(['b']);
  const startedAt = performance.now();
  await close(100);
  expect(performance.now() - startedAt).toBeLessThan(5000);
  expect(errors('slow')[0]).toContain('took too long');
});

const endsWithin = (ms: number, stop: Promise<void>) =>
  withTimeout(
    stop.then(() => 'ended'),
    ms,
    () => 'still going',
  );

test('a stop ends in time, though more waits than a syslog server that never closes was sent', async () => {
  const { sockets, port } = await startSilent();
  const guest = parseDestination({ syslog: { host: '127.0.0.1', port, protocol: 'tcp' } });
  const { add, errors, close } = start({ destinations: { guest }, timing: { sendMs: 60_000 } });
  for (let at = 0; at < 1500; at++) add(`a${at}`);
  await expect.poll(() => sockets.length).toBe(1);
  expect(await endsWithin(3000, close(100))).toBe('ended');
  expect(sockets).toHaveLength(1);
  expect(errors('guest')).toEqual([
    expect.stringContaining('took too long; the logs of 1500 activations were given up'),
  ]);
});

test('a stop does not wait for name servers', async () => {
  const asked: string[] = [];
  const guest = parseDestination({ syslog: { host: 'log.example', port: 601, protocol: 'tcp' } });
  const pin = ({ host }: HostAndPort) => {
    asked.push(host);
    return new Promise<never>(() => {});
  };
  const { add, close } = start({ destinations: { guest }, pin, timing: { sendMs: 60_000 } });
  for (let at = 0; at < 1500; at++) add(`a${at}`);
  await expect.poll(() => asked.length).toBe(1);
  expect(await endsWithin(3000, close(100))).toBe('ended');
  expect(asked).toHaveLength(1);
});

test('what waits is bounded: the oldest are given up', async () => {
  const splunkServer = await receiver();
  splunkServer.status = 500;
  const { add, errors } = start({
    destinations: { guest: splunk(splunkServer.port) },
    timing: { firstPauseMs: 60_000, longestPauseMs: 60_000 },
  });
  add('first');
  await expect.poll(() => splunkServer.received.length).toBe(1);
  for (let at = 0; at < 5000; at++) add(`a${at}`);
  expect(errors('guest').at(-1)).toMatch(/\(3001 times, last\): more than 2000 activations waited/);
});

test('a long log goes in parts, and its end stays in the record', async () => {
  const splunkServer = await receiver();
  const line = `2026-11-28T20:55:01.000000000Z stdout: ${'x'.repeat(65_000)}`;
  const logs = { long: Array.from({ length: 20 }, () => line), next: [line] };
  const { add } = start({ destinations: { guest: splunk(splunkServer.port) }, logs });
  add('long');
  add('next');
  await expect.poll(() => messagesOf(splunkServer).length).toBe(18);
  for (const { body } of splunkServer.received) expect(body.length).toBeLessThan(600_000);
  expect(messagesOf(splunkServer)[16]).toBe('4 more lines are only in the record of this activation.');
});

test('a certificate that no authority has signed is refused', async () => {
  const argv =
    'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=a -keyout - -out -';
  const pem = await mustRun(argv.split(' '));
  const server = createTlsServer({ key: pem, cert: pem });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const { add, errors } = start({ destinations: { guest: splunk(port, 'https') } });
  add('a');
  await expect
    .poll(() => errors('guest')[0])
    .toMatch(/no trusted TLS connection to the destination: DEPTH_ZERO_SELF_SIGNED_CERT/);
});

test('rsyslog gets lines over TLS once its certificate is trusted, and only under its name', async ({
  skip,
}) => {
  const missing = await missingForRsyslog();
  if (missing !== undefined) skip(missing);
  await using server = await startRsyslog();
  const syslog = (host: string) => parseDestination({ syslog: { host, port: server.port } });
  const destinations = { guest: syslog('localhost'), other: syslog('log.example') };
  const timing = { firstPauseMs: 60_000, longestPauseMs: 60_000 };
  const pin = async () => '127.0.0.1';
  const logs = { said: ['2026-11-28T20:55:01.123456000Z stderr: grüße "1" 😀', 'one that Ward wrote'] };
  const stranger = start({ destinations, logs, timing, pin });
  stranger.add('said');
  await expect
    .poll(() => stranger.errors('guest'))
    .toEqual([expect.stringMatching(/: no trusted TLS connection to the destination: UNABLE_TO_VERIFY/)]);
  const trusted = getCACertificates('default');
  onTestFinished(() => setDefaultCACertificates(trusted));
  setDefaultCACertificates([...trusted, server.ca.pem]);
  const friend = start({ destinations, logs, timing, pin });
  friend.add('said', 'other');
  await expect
    .poll(() => friend.errors('other'))
    .toEqual([expect.stringMatching(/: the destination's certificate is for another host$/)]);
  friend.add('said');
  await expect.poll(async () => (await server.received()).length).toBe(2);
  expect(friend.errors('guest')).toEqual([]);
  const data = '[ward@32473 namespace="guest" action="hello" activationId="said"';
  expect(await server.received()).toEqual([
    {
      ...{ pri: '131', time: '2026-11-28T20:55:01.123456Z', app: 'ward', id: '-' },
      ...{ data: `${data} stream="stderr"]`, text: 'grüße "1" 😀' },
    },
    expect.objectContaining({ pri: '134', data: `${data} stream="stdout"]`, text: 'one that Ward wrote' }),
  ]);
});
