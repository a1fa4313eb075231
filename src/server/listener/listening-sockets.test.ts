import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { addressOf, listeningSocketOf, listeningSocketsOf } from './listening-sockets.ts';

test.each([
  ['0100007F:0CA1', '127.0.0.1', 3233],
  ['00000000:0050', '0.0.0.0', 80],
  ['00000000000000000000000000000000:0CA1', '0:0:0:0:0:0:0:0', 3233],
  ['B80D0120000000000000000001000000:FFFF', '2001:db8:0:0:0:0:0:1', 65_535],
])('%s is %s, port %i', (text, host, port) => {
  expect(addressOf(text)).toEqual({ host, port });
});

test('finds only the listening sockets of a process', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const own = listeningSocketsOf(process.pid).filter(({ address }) => address.port === port);
  expect(own).toEqual([
    {
      inode: expect.stringMatching(/^\d+$/),
      address: { host: '127.0.0.1', port },
      descriptor: expect.any(Number),
    },
  ]);
  expect(listeningSocketOf('self', own[0]?.descriptor ?? -1)).toMatchObject({ address: { port } });
  const file = openSync('/dev/null', 'r');
  for (const descriptor of [file, 9999]) expect(listeningSocketOf('self', descriptor)).toBeUndefined();
  closeSync(file);
  client.destroy();
  server.close();
});
