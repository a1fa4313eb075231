import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { readLive } from '../../dispatch/dispatch.suite.ts';
import { LogStreams } from '../logs/log-streams.ts';
import { createFollowers } from './followers.ts';

it('sends late lines of an initialisation after the activation has begun', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const logs = new LogStreams(stdout, stderr);
  const source = { follow: logs.follow.bind(logs) };
  const followers = createFollowers();
  const init = logs.open('init');
  const { lines } = readLive(followers.add('a', { source, id: 'init', isContinued: false }));
  init.carry({ isQuiet: false });
  logs.open('a');
  followers.move('a', { source, id: 'a', isContinued: true });
  stdout.write('loading\nXXX_THE_END_OF_A_WHISK_ACTIVATION_XXX init\none\n');
  while (lines.length < 2) await new Promise(setImmediate);
  expect(lines.map((line) => line.slice(line.indexOf(' ') + 1))).toEqual(['stdout: loading', 'stdout: one']);
});

it('sends nothing from a place that the log has left for good', () => {
  const attached = new Set<string>();
  const source = {
    follow: (id: string) => {
      attached.add(id);
      return { [Symbol.dispose]: () => void attached.delete(id) };
    },
  };
  const followers = createFollowers();
  const following = followers.add('a', { source, id: 'first', isContinued: false });
  followers.move('a', { source, id: 'second', isContinued: false });
  expect([...attached]).toEqual(['second']);
  followers.move('a', { source, id: 'third', isContinued: true });
  void following.return();
  expect(attached.size).toBe(0);
});
