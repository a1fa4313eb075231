/** What clients of the registry read while an engine that it needs is away. */
import { expect, test, vi } from 'vitest';
import { blobFaults } from '../blobs/index.ts';
import { Fault, type FaultTable, silentLog } from '../lib/index.ts';
import { storeFaults } from '../store/index.ts';
import { startRegistry } from './registry.fixture.ts';

const kinds: FaultTable = { ...storeFaults, ...blobFaults };

test.each([
  ['STORE_UNREACHABLE', /database.*Try again later/, 4200, '5'],
  ['STORE_ANSWER_LOST', /See whether it was/, 5000, '5'],
  ['BLOB_STORE_UNREACHABLE', /object store.*Try again later/, 5000, '5'],
  ['BLOB_STORE_REFUSED', /object store.*Try again later/, undefined, '30'],
])(
  '%s does not tell where the engine is, and tells the operator',
  async (code, text, retryAfterMs, seconds) => {
    const warn = vi.fn();
    const reason = 's3://bucket/ at http://store.internal:9000 does not answer';
    await using registry = await startRegistry({
      log: { ...silentLog, warn },
      authenticate() {
        throw new Fault(code, kinds[code] ?? 'bug', reason, {
          hint: 'Check store.internal.',
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        });
      },
    });
    const answer = await registry.call('GET', '/v2/guest/app/tags/list');
    expect([answer.status, answer.code, answer.headers.get('retry-after')]).toEqual([
      ...[503, 'UNAVAILABLE', seconds],
    ]);
    expect(answer.body.errors[0].message).toMatch(text);
    expect(answer.text).not.toContain('internal');
    expect(warn.mock.calls[0]?.[0]).toMatchObject({ reason });
  },
);
