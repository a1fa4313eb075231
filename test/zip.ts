/** Makes zip archives for tests, as a user's `zip -r` does. */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** Content by path; a path that ends in `*` is an executable. */
export type ZipContent = Readonly<Record<string, string | Buffer>>;

export function zip(files: ZipContent): Promise<Buffer> {
  const archive = new ZipFile();
  for (const [path, content] of Object.entries(files)) {
    const mode = path.endsWith('*') ? 0o100755 : 0o100644;
    archive.addBuffer(Buffer.from(content), path.replace(/\*$/, ''), { mode });
  }
  archive.end();
  return buffer(archive.outputStream);
}
