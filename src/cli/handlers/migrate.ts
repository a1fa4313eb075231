/** `ward migrate`: reports what moved, and what to do next. */
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { interruptible, tellInterrupted } from './interruptible.ts';

/** Whatever was interrupted. */
const goesOn = 'run the same command again to complete the move';

export const migrate: Handler = async (input, context) => {
  const to = input.text('to');
  if (input.has('blobs')) {
    if (to === undefined || to === 'folder') return moveBlobs(input, context, to === 'folder');
    throw cliFault('USAGE', 'ward migrate --blobs takes no other --to than folder', {
      hint: 'the setting blobs names the bucket: ward migrate --blobs, or --blobs --to folder',
    });
  }
  if (to !== undefined) return moveDatabases(input, context, to);
  throw cliFault('USAGE', 'ward migrate needs --to or --blobs', {
    hint: 'ward migrate --to postgres://USER@HOST/DATABASE, --to folder, --blobs, or --blobs --to folder',
  });
};

async function moveBlobs(input: Input, { io }: Context, isBack: boolean): Promise<number> {
  const { migrateBlobs, migrateBlobsBack } = await openServer();
  const move = isBack ? migrateBlobsBack : migrateBlobs;
  const result = await (async () => {
    using progress = io.progress();
    return await interruptible((signal) =>
      move({ ...localOptions(input), signal, onStep: (text) => progress.show(text) }),
    );
  })();
  if (result === undefined)
    return tellInterrupted(io, 'some of the blobs may be copied, and none is lost', goesOn);
  await io.list({
    items: result.places,
    data: result,
    columns: [
      { title: 'blobs', cell: ({ kind }) => kind },
      { title: 'number', cell: ({ blobs }) => String(blobs) },
      { title: 'bytes', cell: ({ bytes }) => String(bytes) },
      { title: 'sent', cell: ({ sent }) => String(sent) },
      { title: 'damaged', cell: ({ damaged }) => String(damaged.length) },
    ],
    name: ({ kind }) => kind,
  });
  const damaged = result.places.flatMap((place) => place.damaged);
  if (damaged.length > 0) io.note(`damaged, and not moved: ${damaged.join(', ')}`);
  if (result.isComplete) {
    io.ok(`moved the blobs from ${result.from} to ${result.to}, and read each one back`);
    io.note(
      isBack
        ? 'next: remove the setting blobs, start Ward, and run ward fsck; then what is in the bucket can go'
        : 'next: start Ward with the setting blobs; blobs.moved in the folders can go',
    );
  } else {
    io.ok(`copied the blobs as of one moment from ${result.from} to ${result.to}`);
    io.note(
      `next: stop ${isBack ? 'every Ward on its databases' : 'Ward'}, and run the same command again to complete the move`,
    );
  }
  return 0;
}

async function moveDatabases(input: Input, { io }: Context, to: string): Promise<number> {
  const { migrateStores } = await openServer();
  const result = await (async () => {
    using progress = io.progress();
    return await interruptible((signal) =>
      migrateStores({ ...localOptions(input), to, signal, onStep: (text) => progress.show(text) }),
    );
  })();
  if (result === undefined)
    return tellInterrupted(io, 'some of the rows may be copied, and none is lost', goesOn);
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
}
