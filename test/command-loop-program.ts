/** Runs the commands that its parent sends, one after the other, in this one process. */
import { runInFolder } from '../src/cli/in-process.fixture.ts';
import type { CommandOrder } from './command-loop.ts';

process.on('message', async ({ id, args, ...surroundings }: CommandOrder) => {
  process.send?.({ id, result: await runInFolder(args, surroundings) });
});
