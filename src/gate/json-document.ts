/** Reads JSON documents from outside: limits them before it parses them, and checks them against a schema. */
import { z } from 'zod';
import { type Fault, nestsDeeperThan } from '../lib/index.ts';

export interface DocumentLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/**
 * @param refuse makes a Fault from a description of the problem
 * @throws the Fault of `refuse`
 */
export function parseJsonDocument<T>(
  schema: z.ZodType<T>,
  bytes: Uint8Array,
  limits: DocumentLimits,
  refuse: (what: string) => Fault,
): T {
  if (bytes.length > limits.maxBytes) throw refuse(`it has more than ${limits.maxBytes} bytes`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refuse('it is not UTF-8');
  }
  if (nestsDeeperThan(text, limits.maxDepth)) throw refuse(`it nests deeper than ${limits.maxDepth}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('it is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw refuse(z.prettifyError(parsed.error).slice(0, 500));
}
