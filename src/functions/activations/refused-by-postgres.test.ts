/**
 * Records that PostgreSQL refuses for their content. Ward checks what comes from sandboxes and other nodes before, so only
 * a mistake in that check lets such bytes through.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPostgresStore } from '../../store/index.ts';
import { newDatabase } from '../../store/postgres/databases.fixture.ts';
import {
  missingForPostgres,
  type PostgresServer,
  startPostgres,
} from '../../store/postgres/server.fixture.ts';
import { completion, type EndedJob, hello, type Platform, ref, startPlatform } from '../platform.fixture.ts';

const missing = await missingForPostgres();
let server: PostgresServer | undefined;

beforeAll(async () => {
  if (missing === undefined) server = await startPostgres();
});
afterAll(() => server?.[Symbol.asyncDispose]());

async function invoke({ functions, guest, authorization }: Platform, isWrong: boolean): Promise<string> {
  const { activationId } = await functions.invocations.invoke({
    ...{ identity: guest, action: ref('hello'), payload: { isWrong }, transactionId: 't1', authorization },
    waitMs: undefined,
  });
  return activationId;
}

/** The byte 0xff is in no character. */
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const wrong: readonly (readonly [string, Partial<EndedJob>])[] = [
  ['result', { utf8: latin1('{"n":"\xff"}') }],
  ['log', { log: Promise.resolve({ parts: [latin1('"\xff",')], partial: undefined }) }],
];

test.skipIf(missing !== undefined).each(wrong)(
  'an accepted call whose %s is no UTF-8 leaves the queue with a short record, and one beside it with its own',
  async (_name, more) => {
    const { url } = await newDatabase(server);
    const lost = vi.fn();
    await using platform = await startPlatform({
      isAlone: false,
      watchRecords: { evicted() {}, refused() {}, lost },
      openStore: () => openPostgresStore({ url }),
    });
    const { store, functions, invoker } = platform;
    await functions.actions.put(ref('hello'), hello, false, platform.guest);
    invoker.script = ({ parameters }) =>
      completion({ n: 1 }, 'isWrong' in parameters && parameters['isWrong'] ? more : {});
    const append = vi.spyOn(store.activations, 'append');
    const [well, bad] = await Promise.all([invoke(platform, false), invoke(platform, true)]);
    await expect.poll(() => store.accepted.pending(10)).toEqual([]);
    const first = append.mock.calls.findIndex(([{ row }]) => row.activationId === bad);
    // PostgreSQL itself has refused it: character_not_in_repertoire.
    expect(append.mock.settledResults[first]).toMatchObject({
      type: 'rejected',
      value: { code: 'STORE_FAILED', cause: { code: '22021' } },
    });
    const error =
      'The activation ended (success), but its result and its log were lost: the database refused them.';
    expect(await functions.activations.get('guest', bad)).toMatchObject({
      annotations: expect.arrayContaining([{ key: 'partialLog', value: 'lost' }]),
      ...{ logs: [], response: { status: 'whisk internal error', result: { error } } },
    });
    expect(await functions.activations.get('guest', well)).toMatchObject({
      response: { success: true, result: { n: 1 } },
    });
    expect([invoker.jobs.length, lost.mock.calls]).toEqual([2, []]);
  },
);
