/** How large a result may be, and the text of a completion whose result was larger. */
import type { JsonValue } from '../lib/index.ts';

/** The largest result, serialised, unless the operator says otherwise (OpenWhisk `activation.response.size`). */
export const defaultResultBytes = 1024 * 1024;

/** @param head the beginning of the result */
export function tooLargeText(bytes: number, resultBytes: number, head: string): string {
  return `The action produced a response that exceeded the allowed length: ${bytes} > ${resultBytes} bytes. The truncated response was: ${head}`;
}

/** The text of such an error without the response; undefined for any other. */
export function overLimitText(error: JsonValue | undefined): string | undefined {
  return typeof error === 'string' ? overLimitPattern.exec(error)?.[0] : undefined;
}

const overLimitPattern =
  /^The action produced a response that exceeded the allowed length: \d+ > \d+ bytes\./;
