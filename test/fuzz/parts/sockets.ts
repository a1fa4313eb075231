/** Sends bytes that are almost HTTP, or not at all, over plain connections. */
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { mutatedBytes, shownBytes } from '../hostile.ts';
import { serverPart } from '../server-part.ts';
import type { Target } from '../target.ts';
import type { Probe } from '../types.ts';

function requests({ key }: Target): readonly Buffer[] {
  const head = (line: string, ...headers: string[]) =>
    [line, 'Host: ward', `Authorization: ${key}`, ...headers, '', ''].join('\r\n');
  const actions = '/api/v1/namespaces/_/actions';
  return [
    head('GET /ping HTTP/1.1', 'Connection: close'),
    head(`GET ${actions}?limit=1 HTTP/1.0`),
    `${head(`POST ${actions}/seed?blocking=true HTTP/1.1`, 'Content-Type: application/json', 'Content-Length: 7')}{"a":1}`,
    `${head(`PUT ${actions}/fresh1 HTTP/1.1`, 'Content-Type: application/json', 'Transfer-Encoding: chunked')}4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n`,
    `${head('POST /api/v1/web/guest/default/web.json HTTP/1.1', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 3')}a=1`,
    `${head('PATCH /v2/guest/app/blobs/uploads/x HTTP/1.1', 'Content-Length: 3', 'Content-Range: 0-2')}abc`,
    `${head('GET /ping HTTP/1.1')}${head('GET / HTTP/1.1', 'Connection: close')}`,
    head('GET /ping HTTP/1.1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x'),
    `${head('POST /ping HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 5', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ].map((each) => Buffer.from(each));
}

/** Everything that the server sends until it hangs up. */
async function talk(port: number, bytes: Buffer, pieces: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
  });
  const closed = once(socket, 'close');
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
  socket.end();
  await closed;
  return heard;
}

function check(heard: string): void {
  if (heard !== '' && !heard.startsWith('HTTP/1.1 ')) throw new Error(`no HTTP: ${heard.slice(0, 100)}`);
  const failure = /^HTTP\/1\.1 5(?!0[23])\d\d/m.exec(heard);
  if (failure !== null) throw new Error(heard.slice(failure.index, failure.index + 300));
}

export const sockets = serverPart({
  name: 'sockets',
  share: 4000,
  lanes: 8,
  async against(target) {
    const garbage = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
    const bytes = fc.oneof(
      { weight: 8, arbitrary: mutatedBytes(requests(target)) },
      { weight: 1, arbitrary: garbage },
    );
    const probes = fc.tuple(bytes, fc.integer({ min: 1, max: 4 })).map(
      ([each, pieces]): Probe => ({
        target: 'socket',
        shown: shownBytes(each),
        run: async () => check(await talk(target.port, each, pieces)),
      }),
    );
    return { probes };
  },
});
