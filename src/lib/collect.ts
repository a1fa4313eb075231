/**
 * Reads all bytes of a stream.
 * @param tooLarge creates the error for more than `maxBytes`, from the bytes so far
 */
export async function collectUpTo(
  source: AsyncIterable<Buffer | string>,
  maxBytes: number,
  tooLarge: (bytes: number) => Error,
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge(bytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
