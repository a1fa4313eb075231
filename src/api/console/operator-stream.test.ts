import { expect, test } from 'vitest';
import { newOperatorLogin } from '../../functions/index.ts';
import { hello, startApi } from '../api.fixture.ts';

const own = { 'x-ward-console': '1', 'sec-fetch-site': 'same-origin' };

test('a stream of an operator tells of the records of a namespace when it is asked to', async () => {
  await using api = await startApi({ console: true });
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { login } = await newOperatorLogin(api.store.sessions);
  const session = { method: 'POST', url: '/console/session', headers: own, payload: { login } } as const;
  const cookie = String((await api.app.inject(session)).headers['set-cookie']).split(';', 1)[0] ?? '';
  const client = new AbortController();
  const open = (query: string) =>
    fetch(`${url}/ward/v1/operator/stream${query}`, { headers: { ...own, cookie }, signal: client.signal });
  expect((await open('?namespace=a/b')).status).toBe(400);
  const streams = await Promise.all(['', '?namespace=other', '?namespace=guest'].map(open));
  const texts = streams.map(readAlong);
  await expect.poll(() => texts.map(({ text }) => count(text, 'begin'))).toEqual([1, 1, 1]);
  // A first look tells, too.
  await expect.poll(() => count(texts[2]?.text, 'records')).toBe(1);
  await api.call('PUT', 'actions/hello', { body: hello });
  await api.call('POST', 'actions/hello?blocking=true');
  await expect.poll(() => count(texts[2]?.text, 'records')).toBe(2);
  expect(count(texts[0]?.text, 'records')).toBe(0);
  client.abort();
});

function readAlong(answer: Response): { readonly text: string } {
  const read = { text: '' };
  const pump = async () => {
    for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) read.text += piece;
  };
  pump().catch(() => {});
  return read;
}

function count(text = '', event = ''): number {
  return text.split(`event: ${event}\n`).length - 1;
}
