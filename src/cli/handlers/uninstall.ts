/** `ward uninstall`: the plan, the question, and the result. */
import { createInterface } from 'node:readline/promises';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { localOptions, openServer } from '../local.ts';

export const uninstall: Handler = async (input, context) => {
  if (input.has('yes') && input.has('dryRun'))
    throw cliFault('USAGE', '--yes and --dry-run exclude each other', { hint: 'leave one of them out' });
  const { openUninstalling } = await openServer();
  using work = await openUninstalling({ ...localOptions(input), keepData: input.has('keepData') });
  const { removals, stays, packages } = work.plan;
  const { io } = context;
  await io.list({
    items: removals,
    data: work.plan,
    columns: [
      { title: 'removes', cell: ({ what }) => what },
      { title: 'place', cell: ({ place }) => place, isWhole: true },
    ],
    name: ({ place }) => place,
  });
  for (const line of stays) io.note(`stays: ${line}`);
  if (packages.length > 0)
    io.note(
      `the set-up installed these packages; if nothing else needs them: apt-get purge ${packages.join(' ')}`,
    );
  if (!(await isMeant(input.has('yes'), input.has('dryRun'), context))) return 0;
  const failed = await work.perform();
  for (const line of failed) io.problem('NOT_REMOVED', line);
  if (failed.length === 0) io.ok('Ward is removed from this machine');
  return failed.length === 0 ? 0 : 1;
};

async function isMeant(isSure: boolean, isDry: boolean, { io, stdin, stderr }: Context): Promise<boolean> {
  if (isSure) return true;
  const isAtTerminal = stdin.isTTY === true && stderr.isTTY === true;
  if (isDry || !isAtTerminal) {
    io.note(isDry ? 'nothing was removed' : 'nothing was removed: without a terminal, use --yes');
    return false;
  }
  using lines = createInterface({ input: stdin, output: stderr });
  // Ctrl-C and Ctrl-D mean no.
  const gone = new AbortController();
  for (const event of ['close', 'SIGINT']) lines.once(event, () => gone.abort());
  const question = lines.question('Remove all of this? Type yes: ', { signal: gone.signal });
  const isYes = (await question.catch(() => '')).trim() === 'yes';
  if (!isYes) io.note(gone.signal.aborted ? '\nnothing was removed' : 'nothing was removed');
  return isYes;
}
