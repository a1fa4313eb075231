/** `ward fsck`: lists each damage with its remedy. */
import type { Handler } from '../command-spec.ts';
import { localOptions, openServer } from '../local.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

export const fsck: Handler = async (input, { io }) => {
  const { checkAll } = await openServer();
  using progress = io.progress();
  const report = await interruptible((signal) =>
    checkAll({
      ...localOptions(input),
      repair: input.has('repair'),
      onStep: (text) => progress.show(text),
      signal,
    }),
  );
  if (report === undefined) return exitInterrupted;
  const { findings, notes, repaired, checked, isRunning } = report;
  await io.list({
    items: findings,
    data: report,
    columns: [
      { title: 'area', cell: ({ area }) => area },
      { title: 'of', cell: ({ of }) => of },
      { title: 'problem', cell: ({ problem }) => problem },
      { title: 'what to do', cell: ({ remedy }) => remedy },
    ],
    name: ({ of }) => of,
  });
  for (const note of notes) io.note(note);
  for (const layer of repaired) io.note(`removed layer ${layer}; Ward unpacks it again when it needs it`);
  if (isRunning) io.note('a server runs on this folder: the check may have missed what it changed meanwhile');
  if (findings.length > 0) {
    io.problem(
      'DATA_DAMAGED',
      `${findings.length} ${findings.length === 1 ? 'thing is' : 'things are'} damaged`,
    );
    return 1;
  }
  const looked = Object.entries(checked).map(([area, count]) => `${area} ${count}`);
  io.ok(`nothing is damaged: ${looked.join(', ')}`);
  return 0;
};
