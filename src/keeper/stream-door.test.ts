/** Tests the stream door with clients that behave and clients that don't. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStreamDoor, type StreamDoor } from './stream-door.ts';

const isRoot = process.geteuid?.() === 0;
let folder: string;
let door: StreamDoor;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  folder = await mkdtemp(join(tmpdir(), 'ward-door-'));
  if (isRoot) door = await openStreamDoor(join(folder, 'door'), 0);
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  if (isRoot) await door[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function knock(line: string): Socket {
  const socket = connect(door.path).on('error', () => {});
  sockets.push(socket);
  socket.write(`${line}\n`);
  return socket.resume();
}

test.runIf(isRoot)('hands over the streams of a run, in order', async () => {
  for (const index of [1, 0]) knock(`${door.secret} 7 ${index}`);
  const [first, second] = await door.take(7, 2);
  expect([first?.destroyed, second?.destroyed]).toEqual([false, false]);
  for (const stream of [first, second]) stream?.destroy();
});

test.runIf(isRoot).each([
  ['a wrong secret', () => 'x 7 0'],
  ['no secret', () => '7 0'],
  ['a stream that is one too many', () => `${door.secret} 7 4`],
  ['a negative stream', () => `${door.secret} 7 -1`],
  ['half a stream', () => `${door.secret} 7 0.5`],
  ['no stream', () => `${door.secret} 7 `],
  ['a run that is not a number', () => `${door.secret} ../7 0`],
  ['a line that is too long', () => 'x'.repeat(100)],
  ['more than a line', () => `${door.secret} 7 0\nand more`],
])('closes on %s', async (_, line) => {
  await once(knock(line()), 'close');
});

test.runIf(isRoot)('closes on a second stream with an index that is taken', async () => {
  knock(`${door.secret} 7 0`);
  const both = [knock(`${door.secret} 8 0`), knock(`${door.secret} 8 0`)];
  await Promise.race(both.map((socket) => once(socket, 'close')));
});

test.runIf(isRoot)('keeps a limited number of runs waiting, and continues with those', async () => {
  const closing = Promise.withResolvers<void>();
  for (let run = 0; run < 600; run++) {
    const socket = knock(`${door.secret} ${run} 0`).once('close', () => closing.resolve());
    await once(socket, 'connect');
  }
  await closing.promise;
  const [stream] = await door.take(0, 1);
  expect(stream?.destroyed).toBe(false);
  stream?.destroy();
});
