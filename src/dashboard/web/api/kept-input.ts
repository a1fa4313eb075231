/** The input that Ward kept of a run. It hides what looks like a secret, and leaves out what is long. */
import { send } from './client.ts';
import { inputPath } from './runs.ts';

export type KeptInput =
  | { readonly is: 'whole'; readonly input: unknown }
  /** `input` is without the hidden values, and `hidden` says where they were: `headers.authorization`. */
  | { readonly is: 'redacted'; readonly input: unknown; readonly hidden: readonly string[] }
  /** `length` in Ward's words. */
  | { readonly is: 'too-long'; readonly length: string }
  | { readonly is: 'absent' };

const hiddenValue = '[redacted]';
const lengthForm = /^\d+ characters of JSON$/;

/** @throws ApiError */
export async function readKeptInput(id: string, signal: AbortSignal): Promise<KeptInput> {
  const answer = await send('GET', `${inputPath(id)}?quiet=true`, { signal });
  return answer.status === 204 ? { is: 'absent' } : keptInputOf(await answer.json());
}

/** @param kept as Ward answers it */
export function keptInputOf(kept: unknown): KeptInput {
  const length = omittedLength(kept);
  if (length !== undefined) return { is: 'too-long', length };
  const hidden: string[] = [];
  const input = withoutHidden(kept, '', hidden);
  return hidden.length === 0 ? { is: 'whole', input: kept } : { is: 'redacted', input, hidden };
}

function omittedLength(kept: unknown): string | undefined {
  if (!isObject(kept) || Object.keys(kept).length !== 1) return undefined;
  const { omitted } = kept;
  return typeof omitted === 'string' && lengthForm.test(omitted) ? omitted : undefined;
}

/** @param hidden gets the paths of what is left out */
function withoutHidden(value: unknown, path: string, hidden: string[]): unknown {
  if (Array.isArray(value)) return value.map((each, at) => withoutHidden(each, `${path}[${at}]`, hidden));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const at = path === '' ? key : `${path}.${key}`;
    if (each !== hiddenValue) return [[key, withoutHidden(each, at, hidden)] as const];
    hidden.push(at);
    return [];
  });
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
