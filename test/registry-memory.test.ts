/** The registry's memory stays as it is, however long a layer is. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from '../src/lib/index.ts';

const mebibyte = 1024 * 1024;
/** More than the registry may ever have in memory. */
const layerBytes = 512 * mebibyte;
const limitMiB = 300;

async function call(method: string, url: URL, body: Readable = Readable.from([])): Promise<IncomingMessage> {
  const sent = request(url, { method, headers: { authorization: 'Basic x' } });
  const [answer] = await Promise.all([once(sent, 'response'), pipeline(body, sent)]);
  return answer[0];
}

it('takes and gives a layer that is larger than its memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ward-registry-memory-'));
  const program = fileURLToPath(new URL('./registry-server.ts', import.meta.url));
  const child = startCommand([process.execPath, program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    if (child.stdout === null) throw new Error('no stdout');
    const [ready] = await once(createInterface({ input: child.stdout }), 'line');
    const url = String(ready).replace('ready ', '');
    const piece = Buffer.alloc(mebibyte, 'layer');
    const hash = createHash('sha256');
    for (let at = 0; at < layerBytes; at += mebibyte) hash.update(piece);
    const digest = `sha256:${hash.digest('hex')}`;
    const begun = await call('POST', new URL('/v2/guest/app/blobs/uploads/', url));
    const location = new URL(`${begun.headers.location}?digest=${digest}`, url);
    const pieces = Readable.from(
      (function* () {
        for (let at = 0; at < layerBytes; at += mebibyte) yield piece;
      })(),
    );
    expect((await call('PUT', location, pieces)).statusCode).toBe(201);
    let received = 0;
    const blob = await call('GET', new URL(`/v2/guest/app/blobs/${digest}`, url));
    for await (const chunk of blob) received += chunk.length;
    expect(received).toBe(layerBytes);
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    expect(Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024).toBeLessThan(limitMiB);
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  }
});
