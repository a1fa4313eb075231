/** `ward migrate`: reports what moved, and what to do next. */
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { localOptions, openServer } from '../local.ts';
import { exitInterrupted, interruptible } from './interruptible.ts';

export const migrate: Handler = async (input, { io }) => {
  const to = input.text('to');
  if (to === undefined)
    throw cliFault('USAGE', 'ward migrate needs --to', {
      hint: 'ward migrate --to postgres://USER@HOST/DATABASE, or --to folder',
    });
  const { migrateStores } = await openServer();
  const result = await (async () => {
    using progress = io.progress();
    return await interruptible((signal) =>
      migrateStores({ ...localOptions(input), to, signal, onStep: (text) => progress.show(text) }),
    );
  })();
  if (result === undefined) return exitInterrupted;
  await io.list({
    items: result.tables,
    data: result,
    columns: [
      { title: 'database', cell: ({ database }) => database },
      { title: 'table', cell: ({ table }) => table },
      { title: 'rows', cell: ({ rows }) => String(rows) },
      { title: 'written', cell: ({ written }) => String(written) },
      { title: 'removed', cell: ({ removed }) => String(removed) },
      { title: 'digest', cell: ({ digest }) => digest, isWide: true },
    ],
    name: ({ table }) => table,
  });
  if (result.isComplete) {
    io.ok(`moved the databases from ${result.from} to ${result.to}; every table has the same rows in both`);
    io.note(
      to === 'folder' ? 'next: remove the setting store, and start Ward' : 'next: set store, and start Ward',
    );
  } else {
    io.ok(`copied the databases as of one moment from ${result.from} to ${result.to}`);
    io.note('next: stop every Ward that uses them, and run the same command again to complete the move');
  }
  return 0;
};
