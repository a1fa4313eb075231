/**
 * Tells whether a client accepts a content type (RFC 9110, section 12.5.1).
 * @param contentType a header's value, which begins with the media type
 */
export function accepts(accept: string | undefined, contentType: string): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  const essence = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const main = essence.split('/', 1)[0] ?? '';
  const ranges = accept.split(',').map(parseRange);
  for (const wanted of [essence, `${main}/*`, '*/*']) {
    const range = ranges.find(({ type }) => type === wanted);
    if (range !== undefined) return range.quality > 0;
  }
  return false;
}

function parseRange(text: string): { readonly type: string; readonly quality: number } {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  const quality = weight === undefined ? 1 : Number(weight);
  return { type: type === '*' ? '*/*' : type, quality: Number.isNaN(quality) ? 1 : quality };
}
