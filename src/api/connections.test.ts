/** More connections than allowed, of every kind that costs a client nothing, on a listening server. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { basic, completion, hello, startApi, type TestApi, type TestApiOptions } from './api.fixture.ts';

class Client {
  heard = '';
  readonly closed: Promise<unknown>;
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {});
    this.closed = once(socket, 'close');
  }

  static async open(port: number, localAddress = '127.0.0.1', reads = true): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const client = new Client(socket);
    if (reads)
      socket.on('data', (chunk) => {
        client.heard += chunk;
      });
    await Promise.race([once(socket, 'connect'), client.closed]);
    return client;
  }

  say(text: string): this {
    this.#socket.write(text);
    return this;
  }

  /** Waits for an answer whose body ends with this text. */
  async hears(end: string): Promise<string> {
    await expect.poll(() => this.heard).toContain(end);
    const { heard } = this;
    this.heard = '';
    return heard;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.readyState === 'open';
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

async function serve(options: TestApiOptions) {
  const stack = new AsyncDisposableStack();
  const api: TestApi = stack.use(await startApi(options));
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const port = Number(new URL(url).port);
  await api.call('PUT', 'actions/open', {
    body: { ...hello, annotations: [{ key: 'web-export', value: true }] },
  });
  const open = async (address?: string, reads?: boolean) =>
    stack.use(await Client.open(port, address, reads));
  const many = (count: number, address?: string, reads?: boolean) =>
    Promise.all(Array.from({ length: count }, () => open(address, reads)));
  return { api, open, many, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const ping = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
const keyed = ({ key }: TestApi) =>
  `GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nAuthorization: ${basic(key)}\r\n\r\n`;
const invoke = ({ key }: TestApi) =>
  `POST /api/v1/namespaces/_/actions/open?blocking=true&result=true HTTP/1.1\r\nHost: x\r\n` +
  `Authorization: ${basic(key)}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
const web = '/api/v1/web/guest/default/open.json';

const slowClients: [kind: string, says: string, reads: boolean][] = [
  ['say nothing', '', true],
  ['have said what they wanted', ping, true],
  ['say half a head', 'GET /ping HTTP/1.1\r\nHost: x\r\nX-Slow: ', true],
  ['promise a body', `POST ${web} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx`, true],
  ['promise a chunk', `POST ${web} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nx`, true],
  ['don’t read answers', 'GET /api/v1/api-docs HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200), false],
];

test.each(slowClients)(
  'an address that fills all of them and whose clients %s locks no one out',
  async (_kind, says, reads) => {
    await using server = await serve({ api: { connections: 12, connectionsPerAddress: 8 } });
    const crowds = [await server.many(8, '127.0.0.2', reads), await server.many(8, '127.0.0.3', reads)];
    for (const each of crowds.flat()) if (each.isOpen) each.say(says);
    for (let n = 0; n < 3; n++) {
      const guest = await server.open('127.0.0.4');
      guest.say(ping);
      expect(await guest.hears('pong')).toContain('200 OK');
    }
  },
);

test('an address beyond its share loses its longest waiting connection, and no other address does', async () => {
  await using server = await serve({ api: { connections: 100, connectionsPerAddress: 3 } });
  const other = await server.open('127.0.0.3');
  const own = await server.many(3, '127.0.0.2');
  own[0]?.say(ping);
  await own[0]?.hears('pong');
  await server.open('127.0.0.2');
  await own[1]?.closed;
  expect([other, ...own].map(({ isOpen }) => isOpen)).toEqual([true, true, false, true]);
});

test('connections with a key stay while there are others, and then the longest waiting one is closed', async () => {
  await using server = await serve({ api: { connections: 4, connectionsPerAddress: 3 } });
  const owners = await server.many(2, '127.0.0.2');
  for (const owner of owners) {
    owner.say(keyed(server.api));
    await owner.hears('["guest"]');
  }
  await server.many(20, '127.0.0.3');
  await server.many(20, '127.0.0.4');
  expect(owners.map(({ isOpen }) => isOpen)).toEqual([true, true]);
  const more = await server.many(2, '127.0.0.2');
  for (const owner of more) {
    owner.say(keyed(server.api));
    await owner.hears('["guest"]');
  }
  owners[0]?.say(keyed(server.api));
  await owners[0]?.hears('["guest"]');
  await server.open('127.0.0.5');
  await owners[1]?.closed;
  expect(owners[0]?.isOpen).toBe(true);
});

test('a running call is not broken off; if all run, the new connection is closed', async () => {
  await using server = await serve({ api: { connections: 3, connectionsPerAddress: 3 } });
  const gate = Promise.withResolvers<void>();
  server.api.script = async () => {
    await gate.promise;
    return completion({ at: 'last' });
  };
  const callers = await server.many(3, '127.0.0.2');
  for (const caller of callers) caller.say(invoke(server.api));
  await expect.poll(() => server.api.jobs.length).toBe(3);
  await (await server.open('127.0.0.3')).closed;
  gate.resolve();
  for (const caller of callers) expect(await caller.hears('"last"')).toContain('200 OK');
});

test('connections of a trusted proxy have no share and are never closed', async () => {
  await using server = await serve({
    api: { connections: 8, connectionsPerAddress: 2 },
    trustedProxies: ['127.0.0.2/32'],
  });
  const proxied = await server.many(6, '127.0.0.2');
  await server.many(20, '127.0.0.3');
  for (const each of proxied) {
    each.say(ping);
    expect(await each.hears('pong')).toContain('200 OK');
  }
});
