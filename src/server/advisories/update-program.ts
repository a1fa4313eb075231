/** A program: one update of the advisories, as a server has configured it. It records its outcome beside them. */
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
  // An update by hand does the same work.
  process.exitCode = isFault(error, 'ADVISORIES_BUSY') ? 0 : 1;
}
