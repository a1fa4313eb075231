/** What callers read while something that the server needs fails. */
import type { FastifyRequest } from 'fastify';
import { expect, test, vi } from 'vitest';
import { blobFaults } from '../blobs/index.ts';
import { Fault, type FaultTable, type Log } from '../lib/index.ts';
import { storeFaults } from '../store/index.ts';
import { troubleAnswer } from './trouble.ts';

const request = { id: 'r', headers: {}, server: {} } as FastifyRequest;

const kinds: FaultTable = { ...storeFaults, ...blobFaults, GATE_STORE_UNREACHABLE: 'busy' };

test.each([
  ['STORE_UNREACHABLE', /database.*Try again later/],
  ['STORE_REFUSED', /database.*Try again later/],
  ['STORE_LOCKED', /database.*Try again later/],
  ['STORE_ANSWER_LOST', /See whether it was/],
  ['GATE_STORE_UNREACHABLE', /database.*Try again later/],
  ['BLOB_STORE_UNREACHABLE', /object store.*Try again later/],
  ['BLOB_STORE_REFUSED', /object store.*Try again later/],
])('%s does not tell callers where the engine is, and tells the operator', (code, text) => {
  const warn = vi.fn();
  const error = new Fault(code, kinds[code] ?? 'bug', 'db.internal:5432 does not answer', {
    ...{ hint: 'Check db.internal.', retryAfterMs: 4200, details: { activationId: 'a' } },
  });
  const answer = troubleAnswer({ warn } as unknown as Log, error, request);
  expect(answer).toMatchObject({ status: 503, code, retrySeconds: 5, details: { activationId: 'a' } });
  expect(answer?.text).toMatch(text);
  expect(JSON.stringify(answer)).not.toContain('db.internal');
  expect(warn.mock.calls[0]?.[0]).toMatchObject({ code, reason: 'db.internal:5432 does not answer' });
});

test('a refusal that is no trouble keeps its own text', () => {
  const log = {} as Log;
  expect(troubleAnswer(log, new Fault('GATE_BUSY', 'busy', 'too many scans'), request)).toBeUndefined();
});
