/** The files of a folder, asked for as a server is: with tags, dates and lengths. Nothing is gone on with: files are near. */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '../../../lib/index.ts';

const statuses: Readonly<Record<string, number>> = { ENOENT: 404, ENOTDIR: 404, EACCES: 403, EPERM: 403 };

/** A `fetch` for URLs of the scheme `file`. */
export const folderFetch: typeof fetch = async (input, init) => {
  const path = fileURLToPath(input instanceof Request ? input.url : input);
  let file: FileHandle | undefined;
  try {
    // What is not a file, a pipe for example, must not be waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size, mtime, ino } = await file.stat({ bigint: true });
    if (!(await file.stat()).isFile()) return await closed(file, 404);
    const etag = `"${ino}-${size}-${mtime.getTime()}"`;
    if (new Headers(init?.headers).get('if-none-match') === etag) return await closed(file, 304);
    const headers = { etag, 'content-length': String(size), 'last-modified': mtime.toUTCString() };
    const bytes = file.createReadStream({ highWaterMark: 256 * 1024, signal: init?.signal ?? undefined });
    return new Response(Readable.toWeb(bytes), { headers });
  } catch (error) {
    await file?.close();
    const status = statuses[errnoOf(error) ?? ''];
    if (status === undefined) throw error;
    return new Response(null, { status });
  }
};

async function closed(file: FileHandle, status: number): Promise<Response> {
  await file.close();
  return new Response(null, { status });
}
