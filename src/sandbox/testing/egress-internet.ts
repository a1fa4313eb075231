/**
 * The internet of the lab, as a program in its own network namespace: a server at every address, so that a refused
 * connection was refused on the way, and a name server (RFC 1035) whose zone the test changes.
 *
 * TCP at 80, 443, 8080: reports the address at which it was reached. 9000: sends without end. UDP at 5000 of
 * 203.0.113.10 and 2001:db8:1::10: answers; a long datagram is echoed.
 */
import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import { decode, encode } from 'dns-packet';
import type { Zone } from './egress-lab.ts';

let zone: Zone = {};
const asked: string[] = [];
process.on('message', (message: { readonly zone?: Zone }) => {
  if (message.zone) zone = message.zone;
  process.send?.({ asked: asked.splice(0) });
});

process.on('disconnect', () => process.exit(0));

const ready = [80, 443, 8080].map((port) => serve(port, greet));
ready.push(serve(9000, flood), serve(53, answerTcp));
// Bind one socket to each address, so that the answer comes from that address.
for (const [family, own] of [
  ['udp4', '203.0.113.10'],
  ['udp6', '2001:db8:1::10'],
] as const) {
  const echo = createSocket(family);
  echo.on('message', (text, { port, address }) =>
    echo.send(text.length > 1000 ? text : 'hello over udp', port, address),
  );
  ready.push(new Promise((resolve) => echo.bind(5000, own, () => resolve())));
}
const names = createSocket('udp4');
names.on('message', (message, from) => answerUdp(message, from));
ready.push(new Promise((resolve) => names.bind(53, '203.0.113.53', () => resolve())));
await Promise.all(ready);
process.send?.('ready');

function serve(port: number, onConnection: (socket: Socket) => void): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  return new Promise((resolve) => server.listen(port, '::', () => resolve()));
}

function greet(socket: Socket): void {
  const address = (socket.localAddress ?? '').replace(/^::ffff:/, '');
  socket.write(`hello from ${address}:${socket.localPort}\n`);
  // Echo what a client sends, and keep its connection open.
  socket.on('data', (chunk) => socket.write(chunk));
}

function flood(socket: Socket): void {
  const chunk = Buffer.alloc(65_536);
  const more = () => {
    while (socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

function answerUdp(message: Buffer, { port, address }: RemoteInfo): void {
  const reply = answer(message);
  const isCut = reply.length > 512;
  names.send(isCut ? answer(message, true) : reply, port, address);
}

function answerTcp(socket: Socket): void {
  socket.on('data', (chunk: Buffer) => {
    const reply = answer(chunk.subarray(2));
    const head = Buffer.alloc(2);
    head.writeUInt16BE(reply.length);
    socket.write(Buffer.concat([head, reply]));
  });
}

function answer(message: Buffer, isCut = false): Buffer {
  const { id = 0, questions = [] } = decode(message);
  const [question] = questions;
  const name = question?.name.toLowerCase() ?? '';
  const type = question?.type ?? 'A';
  asked.push(`${type} ${name}`);
  const records = zone[name];
  const answers = (records ?? []).filter(
    (record) => record.type === type || record.type === 'CNAME' || record.name !== name,
  );
  return encode({
    type: 'response',
    id,
    flags: 0x0480 | (records ? 0 : 3) | (isCut ? 0x0200 : 0),
    questions,
    answers: isCut
      ? []
      : answers.map(({ type: kind, name: owner, data, ttl }) => ({
          type: kind,
          name: owner,
          data,
          ttl,
          class: 'IN',
        })),
  });
}
