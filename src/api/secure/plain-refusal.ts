/** Answers a client that speaks plain HTTP on the port of TLS, as what it says has gone over the network in clear. */
import type { Socket } from 'node:net';
import { newTransactionId } from '../transaction.ts';

/** Time for the rest of a request: a client that still sends would see a broken connection instead of the answer. */
const lingerMs = 2000;
/** A method and its path (RFC 9112, section 3). */
const requestLine = /^[A-Z]{3,10} /;

/** @param first what has arrived */
export function refusePlain(socket: Socket, first: Buffer): void {
  if (!requestLine.test(first.toString('latin1', 0, 16))) return void socket.destroy();
  const code = newTransactionId();
  const error = 'This port speaks TLS, and the request came in clear. Use https://.';
  const hint = 'replace a key that the request carried, as others may have read it';
  const body = JSON.stringify({ error, code, hint });
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\nX-Request-Id: ${code}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.resume();
  socket.once('end', () => socket.destroy());
  setTimeout(() => socket.destroy(), lingerMs).unref();
}
