/** Webhooks: their URLs, their signatures, and who can fire them. */
import { createHmac } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import { type FeedBench, refTo, startFeeds } from './feeds.fixture.ts';

const start = '2026-03-10T10:00:00Z';
const seconds = Date.parse(start) / 1000;
const secret = 'a secret of some length';
const body = Buffer.from('{"a":1}');
const hmac = (text: string | Buffer, key = secret) => createHmac('sha256', key).update(text).digest('hex');
const wardHeader = (at: number, text: string | Buffer = body, key = secret) => ({
  'x-ward-signature': `t=${at},v1=${hmac(`${at}.${text}`, key)}`,
});
const githubHeader = (text: string | Buffer = body, key = secret) => ({
  'x-hub-signature-256': `sha256=${hmac(text, key)}`,
});

async function create(bench: FeedBench, args: JsonObject = {}, name = 'hook'): Promise<string> {
  await bench.addTrigger(name);
  return tokenIn(await bench.call('webhooks/webhook', 'CREATE', name, args));
}

function tokenIn(answer: JsonObject): string {
  const config = isJsonObject(answer['config']) ? answer['config'] : answer;
  const token = /^https:\/\/ward\.example\/webhooks\/([\w-]{43})$/.exec(String(config['url']))?.[1];
  if (token === undefined) throw new Error(`no URL in ${JSON.stringify(answer)}`);
  return token;
}

describe('the URL', () => {
  test('fires its trigger', async () => {
    await using bench = await startFeeds(start);
    const webhook = await bench.feeds.openWebhook(await create(bench));
    webhook.verify({}, body);
    expect(await webhook.fire({ body: 1 }, { transactionId: 'tid' })).toEqual({
      activationId: 'a'.repeat(32),
      isRecordLost: false,
    });
    expect(bench.fired).toEqual([{ trigger: 'hook', payload: { body: 1 }, at: '2026-03-10T10:00:00' }]);
  });

  test('can be shown to its owner again, and is stored only encrypted', async () => {
    await using bench = await startFeeds(start);
    const token = await create(bench, { secret });
    const shown = await bench.call('webhooks/webhook', 'READ', 'hook');
    expect(tokenIn(shown)).toBe(token);
    expect(shown).toMatchObject({
      config: { name: 'hook', namespace: 'guest', signature: 'ward' },
      status: { active: true, dateChanged: Date.parse(start) },
    });
    expect(JSON.stringify(shown)).not.toContain(secret);
    const row = JSON.stringify(await bench.store.feeds.get('guest', 'hook'));
    expect(row).not.toContain(token);
    expect(row).not.toContain(secret);
  });

  test('cannot be guessed: any other is not found', async () => {
    await using bench = await startFeeds(start);
    const token = await create(bench);
    const other = token.startsWith('A') ? `B${token.slice(1)}` : `A${token.slice(1)}`;
    const row = await bench.store.feeds.get('guest', 'hook');
    for (const wrong of [
      '',
      'x',
      other,
      token.slice(1),
      `${token}x`,
      row?.token ?? '',
      '__proto__',
      '../../x',
    ]) {
      await expect(bench.feeds.openWebhook(wrong)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await create(bench, {}, 'second')).not.toBe(token);
  });

  test('survives a CREATE of the same webhook, and changes only on request', async () => {
    await using bench = await startFeeds(start);
    const first = await create(bench);
    expect(tokenIn(await bench.call('webhooks/webhook', 'CREATE', 'hook'))).toBe(first);
    const second = tokenIn(await bench.call('webhooks/webhook', 'UPDATE', 'hook', { rotate: true }));
    expect(second).not.toBe(first);
    await expect(bench.feeds.openWebhook(first)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await bench.feeds.openWebhook(second);
    const third = tokenIn(await bench.call('webhooks/webhook', 'CREATE', 'hook', { rotate: 'true' }));
    expect(new Set([first, second, third]).size).toBe(3);
  });

  test('stops working with a DELETE, and with the trigger', async () => {
    await using bench = await startFeeds(start);
    const token = await create(bench);
    await bench.call('webhooks/webhook', 'DELETE', 'hook');
    await bench.call('webhooks/webhook', 'DELETE', 'hook');
    await expect(bench.feeds.openWebhook(token)).rejects.toMatchObject({ code: 'NOT_FOUND' });

    const orphan = await create(bench, {}, 'orphan');
    const row = await bench.store.entities.get('guest', 'orphan');
    await bench.store.entities.delete('guest', 'orphan', row?.revision ?? '');
    const webhook = await bench.feeds.openWebhook(orphan);
    await expect(webhook.fire({}, { transactionId: 'tid' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await bench.store.feeds.get('guest', 'orphan')).toBeUndefined();
  });

  test('does not work while the webhook is paused', async () => {
    await using bench = await startFeeds(start);
    const token = await create(bench);
    await bench.call('webhooks/webhook', 'PAUSE', 'hook');
    await bench.call('webhooks/webhook', 'PAUSE', 'hook');
    const paused = await bench.feeds.openWebhook(token);
    expect(() => paused.requireActive()).toThrow(
      expect.objectContaining({ code: 'FEED_PAUSED', kind: 'conflict' }),
    );
    expect(await bench.call('webhooks/webhook', 'READ', 'hook')).toMatchObject({
      status: { active: false, reason: { kind: 'USER' } },
    });
    await bench.call('webhooks/webhook', 'UNPAUSE', 'hook');
    (await bench.feeds.openWebhook(token)).requireActive();
  });
});

test('a trigger has one feed: a second from another package is refused, and the first one stays', async () => {
  await using bench = await startFeeds(start);
  const token = await create(bench);
  const alarm = bench.call('alarms/alarm', 'CREATE', 'hook', { cron: '* * * * *' });
  await expect(alarm).rejects.toMatchObject({
    code: 'FEED_CONFLICT',
    message: "the trigger '/guest/hook' has the feed webhooks/webhook already",
  });
  await bench.call('alarms/alarm', 'DELETE', 'hook');
  for (const event of ['READ', 'UPDATE', 'PAUSE']) {
    await expect(bench.call('alarms/alarm', event, 'hook', { cron: '* * * * *' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  }
  await bench.feeds.openWebhook(token);
});

describe('refused requests', () => {
  const shown = async (bench: FeedBench) =>
    (await bench.feeds.list.get(refTo('hook'), 'read')).webhook?.refused;

  test('are counted for the owner, who sees the last ones, also after a restart', async () => {
    await using bench = await startFeeds(start);
    const webhook = await bench.feeds.openWebhook(await create(bench));
    expect(await shown(bench)).toBeUndefined();
    const at = Date.parse(start);
    for (const status of [401, 413]) webhook.refused({ status, address: '192.0.2.7' });
    const both = [413, 401].map((status) => ({ at, status, address: '192.0.2.7' }));
    await bench.feeds.close();
    expect(await shown(bench)).toEqual({ count: 2, last: both });
    bench.restart();
    expect(await shown(bench)).toEqual({ count: 2, last: both });
    expect(await bench.call('webhooks/webhook', 'READ', 'hook')).toMatchObject({
      status: { refused: { count: 2, last: both } },
    });
    await bench.call('webhooks/webhook', 'UPDATE', 'hook', { secret });
    expect(await shown(bench)).toMatchObject({ count: 2 });
  });

  test('cost a strange flood one write a minute, in a row that does not grow', async () => {
    await using bench = await startFeeds(start);
    const webhook = await bench.feeds.openWebhook(await create(bench));
    const put = vi.spyOn(bench.store.feeds, 'put');
    for (let n = 0; n < 5_000; n++) webhook.refused({ status: 401, address: `192.0.2.${n % 256}` });
    await expect.poll(() => put.mock.calls.length).toBe(1);
    expect(await shown(bench)).toMatchObject({ count: 5_000, last: { length: 10 } });
    bench.set('2026-03-10T10:01:00Z');
    webhook.refused({ status: 401, address: '192.0.2.1' });
    await expect.poll(async () => (await row(bench))['refused']).toMatchObject({ count: 5_001 });
    expect(put.mock.calls).toHaveLength(2);
    expect(JSON.stringify(await row(bench)).length).toBeLessThan(2_000);
  });

  const row = async ({ store }: FeedBench) => (await store.feeds.get('guest', 'hook'))?.document ?? {};

  test('of a webhook that is gone bring nothing back', async () => {
    await using bench = await startFeeds(start);
    const webhook = await bench.feeds.openWebhook(await create(bench));
    await bench.call('webhooks/webhook', 'DELETE', 'hook');
    await bench.call('alarms/alarm', 'CREATE', 'hook', { cron: '* * * * *' });
    const before = await bench.store.feeds.get('guest', 'hook');
    webhook.refused({ status: 401, address: '192.0.2.7' });
    await bench.feeds.close();
    expect(await bench.store.feeds.get('guest', 'hook')).toEqual(before);
  });
});

describe('signatures', () => {
  const verdict = async (args: JsonObject, headers: Record<string, string>, sent: Buffer = body) => {
    await using bench = await startFeeds(start);
    const webhook = await bench.feeds.openWebhook(await create(bench, args));
    try {
      webhook.verify(headers, sent);
      return 'right';
    } catch (error) {
      expect(error).toMatchObject({ code: 'SIGNATURE_INVALID', kind: 'unauthenticated' });
      return 'wrong';
    }
  };

  test.each<[string, JsonObject, Record<string, string>, string]>([
    ['Ward’s own', { secret }, wardHeader(seconds), 'right'],
    ['one that is five minutes old', { secret }, wardHeader(seconds - 300), 'right'],
    ['one that is older', { secret }, wardHeader(seconds - 301), 'wrong'],
    ['one from the future', { secret }, wardHeader(seconds + 301), 'wrong'],
    [
      'one of another time',
      { secret },
      { 'x-ward-signature': `t=${seconds},v1=${hmac(`${seconds - 1}.${body}`)}` },
      'wrong',
    ],
    ['one of another body', { secret }, wardHeader(seconds, '{"a":2}'), 'wrong'],
    ['one by another secret', { secret }, wardHeader(seconds, body, 'another secret, as long'), 'wrong'],
    ['none', { secret }, {}, 'wrong'],
    ['nonsense', { secret }, { 'x-ward-signature': 't=1e9,v1=zz' }, 'wrong'],
    [
      'half of one',
      { secret },
      { 'x-ward-signature': wardHeader(seconds)['x-ward-signature'].slice(0, -2) },
      'wrong',
    ],
    ['GitHub’s where Ward’s is wanted', { secret }, githubHeader(), 'wrong'],
    ['GitHub’s', { secret, signature: 'github' }, githubHeader(), 'right'],
    ['GitHub’s of another body', { secret, signature: 'github' }, githubHeader('{}'), 'wrong'],
    ['Ward’s where GitHub’s is wanted', { secret, signature: 'github' }, wardHeader(seconds), 'wrong'],
    ['none where none is wanted', {}, {}, 'right'],
  ])('%s', async (_, args, headers, expected) => {
    expect(await verdict(args, headers)).toBe(expected);
  });

  test('what was signed for one scheme is not valid for the other', async () => {
    const stolen = Buffer.from(`${seconds}.${body}`);
    expect(await verdict({ secret }, githubHeader(stolen), stolen)).toBe('wrong');
  });
});

describe('parameters', () => {
  test.each<[JsonObject, string]>([
    [{ secret: 'short' }, 'the secret parameter must have 16 to 1024 characters'],
    [{ secret: 'x'.repeat(1025) }, 'the secret parameter must have 16 to 1024 characters'],
    [{ secret: 1234567890123456 }, 'the secret parameter must be a string'],
    [{ signature: 'ward' }, "the signature 'ward' needs a secret parameter"],
    [{ signature: 'none', secret }, "a secret cannot be used with the signature 'none'"],
    [{ signature: 'md5', secret }, 'signature parameter must be one of [none, ward, github].'],
    [{ rotate: 'now' }, 'the rotate parameter must be true or false'],
  ])('%j is refused, and nothing is left behind', async (args, message) => {
    await using bench = await startFeeds(start);
    await bench.addTrigger('hook');
    await expect(bench.call('webhooks/webhook', 'CREATE', 'hook', args)).rejects.toMatchObject({
      code: 'FEED_INVALID',
      message,
    });
    expect(await bench.store.feeds.get('guest', 'hook')).toBeUndefined();
  });

  test('an update changes secret and scheme, and needs something to change', async () => {
    await using bench = await startFeeds(start);
    const token = await create(bench);
    const verify = async (headers: Record<string, string>) =>
      (await bench.feeds.openWebhook(token)).verify(headers, body);
    await bench.call('webhooks/webhook', 'UPDATE', 'hook', { secret });
    await expect(verify({})).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
    await verify(wardHeader(seconds));
    await bench.call('webhooks/webhook', 'UPDATE', 'hook', { signature: 'github' });
    await verify(githubHeader());
    await bench.call('webhooks/webhook', 'UPDATE', 'hook', { secret: `${secret}!` });
    await verify(githubHeader(body, `${secret}!`));
    await bench.call('webhooks/webhook', 'UPDATE', 'hook', { signature: 'none' });
    await verify({});
    await expect(
      bench.call('webhooks/webhook', 'UPDATE', 'hook', { signature: 'ward' }),
    ).rejects.toMatchObject({
      code: 'FEED_INVALID',
    });
    await expect(bench.call('webhooks/webhook', 'UPDATE', 'hook', { color: 'red' })).rejects.toMatchObject({
      message: 'no updatable parameters were specified',
    });
  });
});

test('it ends with its namespace', async () => {
  await using bench = await startFeeds(start);
  const token = await create(bench);
  const webhook = await bench.feeds.openWebhook(token);
  await bench.namespaces.delete('guest');
  await expect(bench.feeds.openWebhook(token)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(webhook.fire({}, { transactionId: 'tid' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(bench.fired).toEqual([]);
});
