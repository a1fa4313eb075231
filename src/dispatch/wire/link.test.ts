import { expect, it, vi } from 'vitest';
import { newActivationId, silentLog } from '../../lib/index.ts';
import { MemoryNetwork } from '../cluster/cluster.fixture.ts';
import { Link } from './link.ts';
import { defaultMessageLimits, encodeMessage } from './messages.ts';
import { subjectsOf } from './subjects.ts';

const mebibyte = 1024 * 1024;
const subjects = subjectsOf('test');

it('hears long messages although others never end theirs', async () => {
  const network = new MemoryNetwork();
  const [here, there] = [network.bus(), network.bus()];
  using link = new Link(here, silentLog, undefined, 8 * mebibyte);
  const heard: string[] = [];
  using _ = link.listen(subjects.api('here', '*'), (from) => heard.push(from));
  const long = (bytes: number) =>
    encodeMessage({
      ...{ type: 'res', activationId: newActivationId(), attempt: 1, head: {}, tail: Buffer.alloc(bytes) },
    });
  for (const sender of ['evil1', 'evil2', 'evil3'])
    for (const frame of long(4 * mebibyte).slice(0, -1)) there.publish(subjects.api('here', sender), frame);
  for (const frame of long(2 * mebibyte)) there.publish(subjects.api('here', 'honest'), frame);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(heard).toEqual(['honest']);
  expect(link.counts.refused).toBeGreaterThan(0);
});

it('joins the frames of each sender, although all use the same names', async () => {
  const network = new MemoryNetwork();
  const [here, there] = [network.bus(), network.bus()];
  using link = new Link(here, silentLog);
  const heard: string[] = [];
  using _ = link.listen(subjects.api('here', '*'), (from, { tail }) =>
    heard.push(`${from} ${tail.subarray(0, 1)} ${tail.subarray(-1)}`),
  );
  const activationId = newActivationId();
  const framesOf = (letter: string) =>
    encodeMessage({ type: 'res', activationId, attempt: 1, head: {}, tail: Buffer.alloc(mebibyte, letter) });
  const [ofOne, ofTwo] = [framesOf('1'), framesOf('2')];
  for (const [at, frame] of ofOne.entries()) {
    there.publish(subjects.api('here', 'one'), frame);
    there.publish(subjects.api('here', 'two'), ofTwo[at] ?? frame);
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(heard).toEqual(['one 1 1', 'two 2 2']);
  expect(link.counts.refused).toBe(0);
});

it('drops a message of 100 MiB, and hears the next', async () => {
  const network = new MemoryNetwork();
  const [here, there] = [network.bus(), network.bus()];
  using link = new Link(here, silentLog);
  const heard: number[] = [];
  using _ = link.listen(subjects.api('here', '*'), (_from, { tail }) => heard.push(tail.length));
  const send = (bytes: number) => {
    const message = { type: 'res', activationId: newActivationId(), attempt: 1, head: {} } as const;
    const limits = { ...defaultMessageLimits, messageBytes: 128 * mebibyte };
    const frames = encodeMessage({ ...message, tail: Buffer.alloc(bytes) }, limits);
    for (const frame of frames) there.publish(subjects.api('here', 'evil'), frame);
  };
  send(100 * mebibyte);
  send(mebibyte);
  await vi.waitUntil(() => heard.length > 0);
  expect(heard).toEqual([mebibyte]);
  // Its frames beyond the limit, each by itself.
  expect(link.counts.refused).toBeGreaterThan(0);
});
