import { expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { Runnable } from '../../functions/index.ts';
import { Fault, silentLog } from '../../lib/index.ts';
import { type CodeGateOptions, createCodeGate } from './code-gate.ts';

const digest = digestOf(Buffer.alloc(0));
const code: Runnable = { kind: 'nodejs:24', image: undefined, digest, owner: 'guest' };
const image: Runnable = { ...code, kind: 'blackbox', image: 'guest/app:v1' };
const away = new Fault('GATE_STORE_UNREACHABLE', 'busy', 'the database at db.internal does not answer');
const refused = new Fault('BLOB_STORE_REFUSED', 'host', 'could not read a blob at store.internal');
const damaged = new Fault('STORE_CORRUPT', 'host', 'the registry’s database is damaged');

/** A gate that can judge nothing. */
function gateThat(fails: Fault, findImage: () => Promise<{ digest: typeof digest }>) {
  const gate = { mayRun: () => Promise.reject(fails), report: async () => ({}) };
  return createCodeGate({ gate, findImage, log: silentLog } as unknown as CodeGateOptions);
}

test.each([
  ['code', code, () => Promise.reject(away)],
  ['an image that is found', image, async () => ({ digest })],
  ['an image that can’t be looked up', image, () => Promise.reject(away)],
  ['an image that a bucket refuses', image, () => Promise.reject(refused)],
])(
  'while an engine is away, a call of %s is unjudged, and its caller does not learn where the engine is',
  async (_title, runnable, findImage) => {
    const gate = gateThat(away, findImage);
    for (const _call of ['first', 'second']) {
      expect(await gate.mayRun(runnable, 'guest')).toEqual({
        outcome: 'unjudged',
        summary: 'the gate can’t judge it',
      });
    }
  },
);

test('an image that can’t be looked up for a lasting reason is denied', async () => {
  const gate = gateThat(away, () => Promise.reject(damaged));
  expect(await gate.mayRun(image, 'guest')).toMatchObject({ outcome: 'deny' });
});
