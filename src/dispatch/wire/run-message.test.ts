import { expect, test } from 'vitest';
import { digestOf } from '../../blobs/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { Job } from '../types.ts';
import { encodeMessage, type Message, MessageReader } from './messages.ts';
import { runIn, runMessage } from './run-message.ts';

const mebibyte = 1024 * 1024;

const job: Job = {
  ...{ namespace: 'guest', action: '/guest/a', version: '0.0.1', revision: 'r', kind: 'nodejs:24' },
  code: { digest: digestOf('code'), binary: false, main: 'main' },
  limits: { timeoutMs: 1000, memoryMiB: 128, logBytes: 1000, concurrency: 1 },
  ...{ initEnv: { a: 'b' }, activationId: '0'.repeat(32), transactionId: 't', acceptedAt: 1 },
  parameters: { x: 1 },
};
const order = { start: '0'.repeat(16), sentAt: 1, isAsked: false };

/** As it arrives over the bus. */
function arrived(message: Message): Message {
  const reader = new MessageReader();
  const [whole] = encodeMessage(message).flatMap((frame) => reader.read(frame) ?? []);
  if (whole === undefined) throw new Error('it did not arrive');
  return whole;
}

test.each<[string, JsonObject]>([
  ['short', { a: 'b' }],
  ['longer than a head', { a: 'x'.repeat(6 * mebibyte), b: '"' }],
  ['of letters that take many bytes', { a: '\u0001'.repeat(2 * mebibyte) }],
])('a job with an environment that is %s arrives as it was sent', (_, initEnv) => {
  const sent = { ...job, initEnv };
  const message = arrived(runMessage({ ...order, job: sent }, 1));
  expect(runIn(message)).toMatchObject({ start: order.start, job: sent });
});

test.each<[string, number, string]>([
  ['with more bytes than there are', 1000, '{}{}'],
  ['that is a list', 2, '{}[]'],
  ['that is no JSON', 2, '{}{x'],
  ['that takes the parameters', 4, '{}{}'],
])('an environment %s is refused', (_, bytes, tail) => {
  const message = runMessage({ ...order, job }, 1);
  const head = { ...message.head, environment: { bytes } };
  expect(() => runIn({ ...message, head, tail: Buffer.from(tail) })).toThrow(
    expect.objectContaining({ code: 'MESSAGE_INVALID' }),
  );
});
