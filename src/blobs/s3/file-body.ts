/**
 * A file as the body of a request. The S3 client pipes a body into its request, and then each piece is left to the garbage
 * collector. This one is copied with two buffers instead, each of which is used again once the kernel has its bytes.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { copyFile } from '../copy-file.ts';
import { readBytes } from '../whole-file.ts';

/** The caller closes the file. */
export function fileBody(file: FileHandle, size: number): Readable {
  const body = file.createReadStream({ autoClose: false, highWaterMark: readBytes });
  const pipe = <T extends NodeJS.WritableStream>(request: T): T => {
    copyFile(file, { first: 0, last: size - 1 }, (bytes) => written(request, bytes)).then(
      () => request.end(),
      // An error of the request reaches the client before this one does.
      (error) => body.destroy(error),
    );
    return request;
  };
  return Object.assign(body, { pipe });
}

/** Settles when the bytes are no longer needed. A request that has ended may not call back. */
function written(request: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error('the request has ended'));
    request.once('close', closed);
    request.write(bytes, (error) => {
      request.removeListener('close', closed);
      if (error) reject(error);
      else resolve();
    });
  });
}
