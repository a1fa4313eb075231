/** Actions of any kind for end-to-end tests: creates one under a new name, calls it once, and returns the outcome. */
import { expect } from 'vitest';
import type { Ward } from './ward.ts';
import { type ZipContent, zip } from './zip.ts';

export interface Source {
  readonly kind: string;
  /** Code: text, bytes, or the files of an archive. */
  readonly code: string | Buffer | ZipContent;
  readonly main?: string;
  readonly limits?: object;
}

/** The parts of a call's record that tests compare. */
export interface Outcome {
  readonly status: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
  readonly result: any;
  readonly stdout: string;
  readonly stderr: string;
}

let count = 0;

/** Creates an action and returns its name. */
export async function create(ward: Ward, { kind, code, main, limits = {} }: Source): Promise<string> {
  const name = `action-${count++}`;
  const isArchive = typeof code === 'object' && !Buffer.isBuffer(code);
  const bytes = isArchive ? await zip(code) : code;
  const text = typeof bytes === 'string' ? bytes : bytes.toString('base64');
  const exec = main === undefined ? {} : { main };
  const reply = await ward.deploy(name, text, { kind, exec, limits });
  expect(reply).toMatchObject({ status: 200, body: { exec: { binary: typeof bytes !== 'string' } } });
  return name;
}

/** Creates and calls an action. */
export async function outcomeOf(ward: Ward, source: Source, payload: object = {}): Promise<Outcome> {
  const { headers } = await ward.invoke(await create(ward, source), payload);
  const { response, logs } = await ward.activation(headers.get('x-openwhisk-activation-id') ?? '');
  const lines = (stream: string) =>
    logs.flatMap((line: string) => new RegExp(`^\\S+ +${stream}: (.*)$`).exec(line)?.[1] ?? []).join('\n');
  return {
    status: response.status,
    result: response.result,
    stdout: lines('stdout'),
    stderr: lines('stderr'),
  };
}

export const developer = 'action developer error';
export const application = 'application error';

/** An outcome with an error. */
export function failed(status: string, error: RegExp) {
  return { status, result: { error: expect.stringMatching(error) } };
}
