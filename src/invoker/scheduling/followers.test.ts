import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { LogStreams } from '../logs/log-streams.ts';
import { createFollowers } from './followers.ts';

it('tells lines of an initialisation that are read when the activation has begun', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const logs = new LogStreams(stdout, stderr);
  const source = { follow: logs.follow.bind(logs) };
  const followers = createFollowers();
  const seen: string[] = [];
  const init = logs.open('init');
  using _ = followers.add('a', (line) => seen.push(line.slice(line.indexOf(' ') + 1)), {
    source,
    id: 'init',
    isContinued: false,
  });
  init.carry({ isQuiet: false });
  logs.open('a');
  followers.move('a', { source, id: 'a', isContinued: true });
  stdout.write('loading\nXXX_THE_END_OF_A_WHISK_ACTIVATION_XXX init\none\n');
  while (seen.length < 2) await new Promise(setImmediate);
  expect(seen).toEqual(['stdout: loading', 'stdout: one']);
});

it('tells nothing of a place that was left for good', () => {
  const told = new Map<string, (line: string) => void>();
  const source = {
    follow: (id: string, onLine: (line: string) => void) => {
      told.set(id, onLine);
      return { [Symbol.dispose]: () => void told.delete(id) };
    },
  };
  const followers = createFollowers();
  const following = followers.add('a', () => {}, { source, id: 'first', isContinued: false });
  followers.move('a', { source, id: 'second', isContinued: false });
  expect([...told.keys()]).toEqual(['second']);
  followers.move('a', { source, id: 'third', isContinued: true });
  following[Symbol.dispose]();
  expect(told.size).toBe(0);
});
