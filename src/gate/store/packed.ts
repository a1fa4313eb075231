/** JSON in few bytes; packing is done in a thread of Node's own. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Of what is unpacked. */
const maxBytes = 512 * 1024 * 1024;

export function pack(value: object): Promise<Buffer> {
  return compress(JSON.stringify(value));
}

export async function unpack(bytes: Uint8Array): Promise<unknown> {
  const text = await decompress(bytes, { maxOutputLength: maxBytes });
  return JSON.parse(text.toString('utf8'));
}
