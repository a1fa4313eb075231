/** The TCP connections below those of TLS: TLS is another socket, and the one that the kernel knows is the one that counts. */
import type { Socket } from 'node:net';

const below = new WeakMap<Socket, Socket>();

export function tcpSocketOf(socket: Socket): Socket {
  return below.get(socket) ?? socket;
}

export function setTcpSocket(secure: Socket, raw: Socket): void {
  below.set(secure, raw);
}
