/** Servers of one database get a certificate from Debian's pebble by TLS-ALPN-01, without an address for plain HTTP. */
import { once } from 'node:events';
import { mkdtemp, mkdtempDisposable, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { loadTls } from '../../api/index.ts';
import { createVault, parseNamespaceName } from '../../functions/index.ts';
import { silentLog } from '../../lib/index.ts';
import { makeAuthority } from '../../lib/key-pairs.fixture.ts';
import { openStore, type Store } from '../../store/index.ts';
import { type PairSources, shownPairs } from '../tls/certificates.ts';
import { type Acme, type AcmeOptions, openAcme } from './acme.ts';
import { domainCertificate, keptAcme, noCertificate } from './kept.ts';
import { OrderBudget } from './order-budget.ts';
import { missingForPebble, type Pebble, startPebble } from './pebble.fixture.ts';
import type { CertifiedDomain } from './places.ts';

const missing = await missingForPebble();
const name = 'ward.test.example';
const ordersPerDay = { namespace: 10, all: 10 };
const never = () => false;
const domain = (at: string, namespace: string, provedAt: number) => ({
  ...{ name: `${at}.example`, namespace: parseNamespaceName(namespace), provedAt },
});
const trusted = getCACertificates('default');
const vault = createVault(() => [{ id: 'k1', secret: new Uint8Array(32) }]);
const openFront = await loadTls();

describe.skipIf(missing !== undefined)(`servers of one database${missing ? ` (${missing})` : ''}`, () => {
  let pebble: Pebble;
  let folder: string;
  let database = '';

  beforeAll(async () => {
    pebble = await startPebble(3600);
    setDefaultCACertificates([...trusted, pebble.ca.pem]);
    folder = await mkdtemp(join(tmpdir(), 'ward-acme-'));
  });
  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await pebble?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** A server of the database of this test. */
  async function serverOf(change: Partial<AcmeOptions['setting']> = {}, store?: AcmeOptions['store']) {
    const path = join(folder, database);
    const own = await openStore({ path });
    onTestFinished(() => own[Symbol.asyncDispose]());
    const setting = {
      ...{ directory: pebble.directory, names: [name], email: undefined },
      ...{ challenge: 'tls-alpn-01' as const, ordersPerDay, ...change },
    };
    const acme = await openAcme({ setting, store: store ?? own, vault, pollMs: 50, log: silentLog });
    onTestFinished(() => acme[Symbol.asyncDispose]());
    return { acme, store: own };
  }

  /** What the server shows at this port. It is started, and takes new certificates. */
  async function frontOf(acme: Acme, port = 0) {
    const shownOf = (issued: Omit<PairSources, 'given'>) => {
      const pairs = shownPairs({ ...issued, given: [] });
      if (pairs === undefined) throw new Error('no pair');
      return pairs;
    };
    const front = openFront(
      { pairs: shownOf(acme.pairs()), proofOf: acme.proofOf },
      { headBytes: 16_384, headTimeoutMs: 5000, keepAliveMs: 5000, idleTimeoutMs: 5000, sweepMs: 1000 },
    );
    const server = front.protect(createHttpServer((_request, response) => response.end('served')));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      front.end();
      server.closeAllConnections();
      server.close();
    });
    acme.start((pairs) => front.renew(shownOf(pairs)));
    const address = server.address();
    const listening = typeof address === 'object' && address !== null ? address.port : 0;
    return async (ALPNProtocols: string[] = ['http/1.1']) => {
      const to = { port: listening, host: '127.0.0.1', servername: name };
      const socket = connect({ ...to, ALPNProtocols, rejectUnauthorized: false });
      try {
        await once(socket, 'secureConnect');
        const { issuer, serialNumber } = socket.getPeerCertificate();
        return `${issuer.CN} ${serialNumber}`;
      } catch {
        return 'nothing';
      } finally {
        socket.destroy();
      }
    };
  }

  const issuedTo = (shown: () => Promise<string>) =>
    vi.waitUntil(async () => (await shown()).startsWith('Pebble') && shown(), {
      timeout: 60_000,
      interval: 50,
    });

  test('order one certificate: one asks, another proves, and all show it', async () => {
    database = 'one.db';
    const a = await serverOf();
    const b = await serverOf();
    // The authority reaches only the second.
    const atB = await frontOf(b.acme, pebble.proofPort);
    expect(await atB(['acme-tls/1'])).toBe('nothing');
    const taken = vi.spyOn(a.store.leases, 'take');
    vi.spyOn(b.store.leases, 'take').mockResolvedValue(undefined);
    const atA = await frontOf(a.acme);
    const shown = await issuedTo(atA);
    expect(await issuedTo(atB)).toBe(shown);
    expect(await atB(['acme-tls/1'])).toBe('nothing');
    expect(taken).toHaveBeenCalled();
    const [own] = b.acme.report();
    expect(own).toMatchObject({ names: name, failures: 0, until: expect.any(Number) });
    // A later server needs no authority.
    const c = await serverOf({ directory: 'https://127.0.0.1:1/dir' });
    expect((await frontOf(c.acme)) && c.acme.pairs()).toEqual(a.acme.pairs());
    const rows = (await Promise.all((['account', 'certificate'] as const).map(c.store.acme.list))).flat();
    expect(rows).toHaveLength(2);
    expect(JSON.stringify(rows)).not.toMatch(/PRIVATE KEY/);
    expect(await c.store.acme.list('proof')).toEqual([]);
  });

  test('order no more for a namespace than its orders in 24 hours, and nothing for a domain that comes back', async () => {
    database = 'budget.db';
    const { acme, store } = await serverOf({ ordersPerDay: { namespace: 2, all: 9 } });
    await frontOf(acme, pebble.proofPort);
    const domains = ['a', 'b', 'c'].map((at, i) => domain(at, 'one', i));
    const pairsOf = async (served: readonly CertifiedDomain[], count: number) => {
      acme.serveDomains(served, never);
      await vi.waitUntil(() => acme.pairs().domains.length === count, { timeout: 60_000, interval: 50 });
      return acme.pairs().domains;
    };
    const pair = await pairsOf(domains.slice(0, 1), 1);
    await pairsOf(domains, 2);
    const budget = new OrderBudget(store.acme, { namespace: 2, all: 9 });
    expect(
      await domainCertificate({ ...store, budget }, domain('c', 'one', 1), acme.placeOf('c.example')),
    ).toMatchObject({
      ...{ until: null, error: expect.stringContaining('its 2 orders'), nextTryAt: expect.any(Number) },
    });
    expect(await pairsOf([], 0)).toEqual([]);
    expect(await pairsOf([domain('a', 'two', 1)], 1)).toEqual(pair);
    // Another namespace, and the server itself, are not affected.
    await pairsOf([...domains.slice(0, 2), domain('c', 'two', 3)], 3);
    expect([(await budget.recent()).of('one'), (await budget.recent()).of('two')]).toEqual([2, 1]);
    expect(acme.report()[0]).toMatchObject({ names: name, failures: 0, until: expect.any(Number) });
  });

  test('go on with what a server has begun that died', async () => {
    database = 'two.db';
    // It lets the authority wait.
    const still = createTcpServer((socket) => void socket.on('error', () => {}));
    const connections = new Set<{ destroy(): void }>();
    still.on('connection', (socket) => connections.add(socket));
    await once(still.listen(pebble.proofPort, '127.0.0.1'), 'listening');
    const store = await openStore({ path: join(folder, database) });
    const leases = {
      ...store.leases,
      take: (request: Parameters<Store['leases']['take']>[0]) => store.leases.take({ ...request, ms: 1000 }),
    };
    const a = await serverOf({}, { acme: store.acme, leases });
    a.acme.start(() => {});
    await vi.waitUntil(() => connections.size > 0, { timeout: 60_000 });
    const b = await serverOf();
    expect(await b.store.acme.list('proof')).toHaveLength(1);
    expect(await b.acme.proofOf(name)).toMatchObject({ cert: expect.stringContaining('CERTIFICATE') });
    // It can neither keep its lease nor write.
    await store[Symbol.asyncDispose]();
    for (const socket of connections) socket.destroy();
    still.close();
    await once(still, 'close');
    expect(await issuedTo(await frontOf(b.acme, pebble.proofPort))).toMatch(/^Pebble/);
    expect(a.acme.report()).toMatchObject([{ until: null }]);
  });
});

test('servers do not try what has just failed for another, and say what it was', async () => {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-acme-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const open = async () => {
    const store = stack.use(await openStore({ path: join(folder, 'ward.db') }));
    const setting = {
      ...{ directory: 'http://127.0.0.1:1/dir', names: [name], email: undefined },
      ...{ challenge: 'http-01' as const, ordersPerDay },
    };
    return { store, acme: stack.use(await openAcme({ setting, store, vault, pollMs: 20, log: silentLog })) };
  };
  const a = await open();
  a.acme.start(() => {});
  await vi.waitUntil(() => a.acme.report()[0]?.failures === 1);
  const [row] = await a.store.acme.list('certificate');
  expect(row?.document).toMatchObject({ failures: 1, error: expect.stringContaining('does not answer') });
  // Not even when the stored certificate is of no use.
  const broken = {
    kind: row?.kind ?? 'certificate',
    name,
    document: { ...row?.document, sealed: 'w1:gone:AAAA' },
  };
  expect(await a.store.acme.put(broken, row?.revision ?? null)).toBe(true);
  const b = await open();
  const taken = vi.spyOn(b.store.leases, 'take');
  const read = vi.spyOn(b.store.acme, 'list');
  b.acme.start(() => {});
  await vi.waitUntil(() => read.mock.calls.length > 2);
  expect(taken).not.toHaveBeenCalled();
  expect(b.acme.report()).toMatchObject([{ failures: 1 }]);
  expect(await a.store.acme.list('certificate')).toMatchObject([broken]);
});

describe('more domains than places', () => {
  let stack: AsyncDisposableStack;
  beforeEach(() => {
    stack = new AsyncDisposableStack();
  });
  afterEach(() => stack.disposeAsync());

  const manyOf = (namespace: string, count: number, provedAt: number) =>
    Array.from({ length: count }, (_, i) => domain(`a${i}.${namespace}`, namespace, provedAt + i));

  /** A server that orders nothing; another of the same database has got a certificate for `zoo.example`. */
  async function server() {
    const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'ward-acme-'))).path;
    const store = stack.use(await openStore({ path: join(folder, 'ward.db') }));
    await using authority = await makeAuthority();
    const pair = await authority.issue(['zoo.example']);
    const until = Date.now() + 86_400_000;
    const issued = { ...noCertificate, pair, until, dueAt: until - 1, triedAt: Date.now() };
    await keptAcme(store.acme, vault).putCertificate('zoo.example', issued, null);
    const setting = {
      ...{ directory: 'http://127.0.0.1:1/dir', names: [name], email: undefined },
      ...{ challenge: 'http-01' as const, ordersPerDay },
    };
    const acme = stack.use(await openAcme({ setting, store, vault, pollMs: undefined, log: silentLog }));
    return { acme, store, pair };
  }

  test('leave those their certificates that have one, and say who has no place', async () => {
    const { acme, store, pair } = await server();
    const rest = [...manyOf('one', 50, 1), ...manyOf('two', 50, 1), ...manyOf('three', 50, 1)];
    acme.serveDomains([...rest, ...manyOf('four', 50, 1), domain('zoo', 'five', 1000)], never);
    expect(acme.pairs().domains).toEqual([pair]);
    expect(acme.placeOf('zoo.example')).toBe('lacking');
    const budget = new OrderBudget(store.acme, ordersPerDay);
    const shown = (at: string) =>
      domainCertificate({ ...store, budget }, domain(at, 'five', 1000), 'lacking');
    expect(await shown('zoo')).toMatchObject({
      ...{ until: expect.any(Number), error: expect.stringContaining('all places'), nextTryAt: null },
    });
    acme.serveDomains([...rest, domain('zoo', 'five', 1000)], never);
    expect(acme.placeOf('zoo.example')).toBe('ordered');
    expect(await shown('none')).toMatchObject({
      ...{ until: null, failures: 0, error: expect.stringContaining('all places') },
    });
  });

  test('are chosen by their age, with a share for each namespace, in whichever order they come', async () => {
    const { acme } = await server();
    const all = [...manyOf('one', 50, 1), ...manyOf('two', 50, 100), domain('zoo', 'late', 1000)];
    const lacking = () =>
      all.map(({ name: each }) => each).filter((each) => acme.placeOf(each) === 'lacking');
    for (const domains of [all, all.toReversed()]) {
      acme.serveDomains(domains, never);
      expect(lacking()).toEqual(['a49.two.example']);
    }
    const isCovered = vi.fn((each: string) => each === 'a0.one.example');
    acme.serveDomains(all, isCovered);
    expect(lacking()).toEqual([]);
    expect(acme.placeOf('a0.one.example')).toBe('none');
    isCovered.mockReturnValue(false);
    acme.chooseAgain();
    expect(lacking()).toEqual(['a49.two.example']);
  });
});
