/** Stores that answer before they have read a layer, and close its connection. */
import { once } from 'node:events';
import { mkdtempDisposable, open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { parseBlobLocation } from '../location.ts';
import { Bucket } from './bucket.ts';

/** More than the kernel takes before the store reads. */
const size = 64 * 1024 * 1024;
const times = { connectMs: 1000, answerMs: 60_000, idleMs: 60_000, tries: 3 };

it.each([
  ['is tried again when it has too much to do', '503 Slow Down', 'SlowDown', 'BLOB_STORE_UNREACHABLE', 3],
  ['is believed when it refuses', '403 Forbidden', 'AccessDenied', 'BLOB_STORE_REFUSED', 1],
])('one %s', async (_what, status, name, code, tries) => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'id');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-early-answer-'));
  const path = join(folder.path, 'layer');
  await using file = await open(path, 'w');
  await file.truncate(size);
  let asked = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      asked++;
      const body = `<Error><Code>${name}</Code><Message>no</Message></Error>`;
      const head = `HTTP/1.1 ${status}\r\nContent-Type: application/xml\r\nConnection: close`;
      socket.end(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      // Otherwise its system answers with a reset, which the client may see first.
      socket.resume();
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  using bucket = new Bucket(parseBlobLocation(`s3://bucket/p?endpoint=http://127.0.0.1:${port}`), times);
  const put = bucket.putFile('key', { path, size, sha256: '0'.repeat(64) });
  await expect(put).rejects.toMatchObject({ code, message: expect.stringContaining(name) });
  expect(asked).toBe(tries);
});
