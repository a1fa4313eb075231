/** The limit of a result's size, and the error text of a larger one. */
import type { JsonValue } from '../lib/index.ts';

/** The default limit of a serialised result (OpenWhisk `activation.response.size`). */
export const defaultResultBytes = 1024 * 1024;

/** @param head the beginning of the result */
export function tooLargeText(bytes: number, resultBytes: number, head: string): string {
  return `The action produced a response that exceeded the allowed length: ${bytes} > ${resultBytes} bytes. The truncated response was: ${head}`;
}

/** Returns the text of such an error without the response; undefined for any other error. */
export function overLimitText(error: JsonValue | undefined): string | undefined {
  return typeof error === 'string' ? overLimitPattern.exec(error)?.[0] : undefined;
}

const overLimitPattern =
  /^The action produced a response that exceeded the allowed length: \d+ > \d+ bytes\./;
