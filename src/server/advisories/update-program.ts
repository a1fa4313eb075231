/** A program that runs one update of the advisories as the server's configuration says, and records the outcome. */
import { z } from 'zod';
import { isFault, messageOf } from '../../lib/index.ts';
import { updateAs } from './by-hand.ts';

const task = z.object({
  dataDir: z.string(),
  advisories: z.object({
    from: z.string().optional(),
    key: z.string().optional(),
    sources: z.string().optional(),
  }),
});

try {
  const { dataDir, advisories } = task.parse(JSON.parse(process.argv[2] ?? ''));
  await updateAs({ dataDir, ...advisories, only: [] });
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  // ADVISORIES_BUSY: an update by hand does the same work.
  process.exitCode = isFault(error, 'ADVISORIES_BUSY') ? 0 : 1;
}
