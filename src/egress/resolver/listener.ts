/**
 * Receives questions of all sandboxes, as datagrams and on connections. The source address, which the packet filter has
 * verified, identifies the sandbox. The packet filter bounds the rate; this file bounds connections, bytes and time.
 */
import type { Socket } from 'node:net';
import { slotOfAddress } from '../addresses.ts';
import type { Answerer } from './answers.ts';
import { maxQuestionBytes } from './messages.ts';
import type { ResolverSockets } from './sockets.ts';

export interface Listener {
  /** Answers the questions of that slot with `answer` from now on. */
  serve(slot: number, answer: Answerer): void;
  /** Stops answering the questions of that slot. */
  leave(slot: number): void;
  /** Sends a datagram to Ward's own mark: see `refusals.ts`. */
  mark(port: number): void;
  close(): void;
}

const connectionsPerSlot = 8;
const connectionMs = 10_000;

interface Served {
  readonly answer: Answerer;
  readonly connections: Set<Socket>;
}

export function listen({ udp, tcp }: ResolverSockets): Listener {
  const slots = new Map<number, Served>();
  const servedBy = (address: string | undefined) => slots.get(slotOfAddress(address ?? '') ?? 0);

  udp.on('message', (message, { address, port }) => {
    void servedBy(address)
      ?.answer(message, 'udp')
      .then((reply) => {
        if (reply) udp.send(reply, port, address, () => {});
      });
  });
  udp.on('error', () => {});
  tcp.on('connection', (socket: Socket) => {
    const served = servedBy(socket.remoteAddress);
    if (!served || served.connections.size >= connectionsPerSlot) socket.destroy();
    else serveConnection(socket, served);
  });
  tcp.on('error', () => {});
  return {
    serve: (slot, answer) => void slots.set(slot, { answer, connections: new Set() }),
    leave(slot) {
      for (const socket of slots.get(slot)?.connections ?? []) socket.destroy();
      slots.delete(slot);
    },
    mark: (port) => udp.send('', port, '127.0.0.1', () => {}),
    close() {
      udp.close();
      tcp.close();
      for (const { connections } of slots.values()) for (const socket of connections) socket.destroy();
    },
  };
}

/** Answers one question after the other (RFC 7766 allows it). Each has its length in two bytes before it. */
function serveConnection(socket: Socket, { answer, connections }: Served): void {
  connections.add(socket);
  const timer = setTimeout(() => socket.destroy(), connectionMs);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(timer);
    connections.delete(socket);
  });
  let received = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const length = received.length < 2 ? 0 : received.readUInt16BE(0);
    if (length > maxQuestionBytes || received.length > 2 * maxQuestionBytes) socket.destroy();
    else if (received.length >= 2 + length && received.length >= 2) void answerNext(length);
  });
  const answerNext = async (length: number): Promise<void> => {
    socket.pause();
    const message = received.subarray(2, 2 + length);
    received = received.subarray(2 + length);
    const reply = await answer(Buffer.from(message), 'tcp');
    if (!reply || socket.destroyed) {
      socket.destroy();
      return;
    }
    const head = Buffer.alloc(2);
    head.writeUInt16BE(reply.length, 0);
    socket.write(Buffer.concat([head, reply]));
    socket.resume();
    // Handles what was received meanwhile.
    if (received.length > 0) socket.emit('data', Buffer.alloc(0));
  };
}
