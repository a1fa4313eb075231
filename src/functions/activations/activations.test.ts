import { describe, expect, test } from 'vitest';
import type { ActivationInsert } from '../../store/index.ts';
import { type Platform, startPlatform } from '../platform.fixture.ts';

const idOf = (i: number) => i.toString(16).padStart(32, '0');

async function withRecords(count: number): Promise<Platform> {
  const platform = await startPlatform();
  for (let i = 1; i <= count; i++) {
    const document = {
      activationId: idOf(i),
      namespace: 'guest',
      name: 'a',
      version: '0.0.1',
      publish: false,
      subject: 'guest',
      start: i,
      end: i + 1,
      duration: 1,
      annotations: [{ key: 'kind', value: 'nodejs:24' }],
    };
    const response = { status: 'success', success: true, result: { i }, size: 7 };
    const row: ActivationInsert = {
      activationId: idOf(i),
      namespace: 'guest',
      name: 'a',
      path: i % 2 === 0 ? 'a' : 'p/a',
      start: i,
      end: i + 1,
      statusCode: 0,
      documentJson: JSON.stringify(document),
      responseJson: JSON.stringify(response),
      usage: null,
    };
    await platform.store.activations.append({ row, logs: [`line ${i}`], settles: null });
  }
  return platform;
}

describe('a list', () => {
  test('has summaries, newest first', async () => {
    await using platform = await withRecords(2);
    const list = await platform.functions.activations.list({ namespace: 'guest', skip: 0, limit: 1 });
    expect(list).toEqual([
      {
        activationId: idOf(2),
        namespace: 'guest',
        name: 'a',
        version: '0.0.1',
        publish: false,
        start: 2,
        end: 3,
        duration: 1,
        annotations: [{ key: 'kind', value: 'nodejs:24' }],
        statusCode: 0,
      },
    ]);
  });

  test('has full records with docs', async () => {
    await using platform = await withRecords(1);
    const list = await Array.fromAsync(
      platform.functions.activations.records({ namespace: 'guest', skip: 0, limit: 1 }),
    );
    expect(list).toMatchObject([{ response: { result: { i: 1 } }, logs: ['line 1'] }]);
  });

  test.each([
    [{ path: 'a' }, [4, 2]],
    [{ path: 'p/a' }, [5, 3, 1]],
    [{ since: 3 }, [5, 4, 3]],
    [{ upto: 2 }, [2, 1]],
    [{ since: 2, upto: 3, path: 'a' }, [2]],
  ])('with %j has %j', async (filter, starts) => {
    await using platform = await withRecords(5);
    const { activations } = platform.functions;
    const list = await activations.list({ namespace: 'guest', skip: 0, limit: 10, ...filter });
    expect(list.map((each) => each['start'])).toEqual(starts);
    expect(await activations.count({ namespace: 'guest', ...filter })).toBe(starts.length);
  });
});

describe('one record', () => {
  test('has a response and logs', async () => {
    await using platform = await withRecords(1);
    const { activations } = platform.functions;
    expect(await activations.get('guest', idOf(1))).toMatchObject({ name: 'a', logs: ['line 1'] });
    expect(await activations.result('guest', idOf(1))).toEqual({
      status: 'success',
      success: true,
      result: { i: 1 },
      size: 7,
    });
    expect(await activations.logs('guest', idOf(1))).toEqual(['line 1']);
  });

  test.each([
    ['abc', 'Activation id length is 3 but must be 32.'],
    ['z'.repeat(32), 'The activation id is not valid.'],
    [idOf(9), 'The requested resource does not exist.'],
  ])('%s does not exist', async (id, message) => {
    await using platform = await withRecords(1);
    const { activations } = platform.functions;
    for (const read of ['get', 'result', 'logs'] as const) {
      await expect(activations[read]('guest', id)).rejects.toThrow(message);
    }
  });

  test('of another namespace does not exist', async () => {
    await using platform = await withRecords(1);
    await platform.functions.namespaces.create('other');
    await expect(platform.functions.activations.get('other', idOf(1))).rejects.toThrow('does not exist');
  });
});
