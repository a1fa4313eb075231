/** Puts blobs into the folder in its argument until it is killed, and prints their digests. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { openBlobStore } from './files.ts';

const blobs = openBlobStore(process.argv[2] ?? '');

async function putForever(): Promise<void> {
  for (;;) {
    const bytes = randomBytes(100_000);
    const { digest } = await blobs.putStream(Readable.from([Buffer.from(bytes)]));
    process.stdout.write(`${await blobs.put(bytes.subarray(1))}\n${digest}\n`);
  }
}

await Promise.all([putForever(), putForever(), putForever()]);
