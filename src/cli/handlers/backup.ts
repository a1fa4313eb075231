/** `ward backup`, `ward restore`: report what is in the file, and above all what is missing. */
import { existsSync } from 'node:fs';
import { formatSize } from '../../lib/index.ts';
import type { BackupResult } from '../../server/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { interruptible, tellInterrupted } from './interruptible.ts';

export const backup: Handler = async (input, context) => {
  const file = input.required(0);
  if (!input.has('force') && existsSync(file))
    throw cliFault('FILE_EXISTS', `${file} already exists`, { hint: 'name another file, or use --force' });
  const { takeBackup } = await openServer();
  const result = await withProgress(context, (steps) =>
    takeBackup({
      ...localOptions(input),
      file,
      withKeys: input.has('withKeys'),
      withAdvisories: input.has('advisories'),
      ...steps,
    }),
  );
  const { io } = context;
  if (result === undefined)
    return tellInterrupted(io, `${file} was not written`, 'run the same command again: it begins anew');
  tellMissing(io, result, whenTaken);
  if (isWhole(result)) io.ok(`wrote ${result.file}`);
  await io.record({
    fields: [['file', result.file], ['size', formatSize(result.bytes)], ...commonFields(result)],
    name: result.file,
    data: result,
  });
  return isWhole(result) ? 0 : 1;
};

export const restore: Handler = async (input, context) => {
  const { restoreBackup } = await openServer();
  const result = await withProgress(context, (steps) =>
    restoreBackup({
      ...localOptions(input),
      file: input.required(0),
      replace: input.has('replace'),
      ...steps,
    }),
  );
  const { io } = context;
  if (result === undefined)
    return tellInterrupted(io, 'nothing was restored', 'run the same command again: it begins anew');
  if (result.wasUnfinished)
    io.note(
      `an earlier restore was interrupted at its last step: ward finished it, and did not read ${input.required(0)}`,
    );
  tellMissing(io, result, whenRestored);
  io.ok(`restored to ${result.dataDir}`);
  await io.record({
    fields: [['data', result.dataDir], ...commonFields(result), ['images', result.images.join(', ') || '-']],
    name: result.dataDir,
    data: result,
  });
  return 0;
};

type Told = Pick<BackupResult, 'takenAt' | 'ward' | 'files' | 'missing' | 'damaged'>;
type Part = BackupResult['missing'][number]['part'];

/** What it means that a part is not in the file. */
const whenTaken: Readonly<Record<Part, string>> = {
  'parameter keys': 'without them the restored server can’t read encrypted parameters: keep a copy elsewhere',
  'signing keys': 'keep a copy elsewhere',
  'guest key': 'the key keeps working, but only the command line on this machine finds it',
  advisories: 'fetch them again after restoring, with ward advisories update',
  configuration: 'keep a copy yourself: the restored server needs the same one',
  code: 'the server has lost it: deploy its actions again',
  image: 'the image store has lost a part of it: build or pull it again',
};

const whenRestored: Readonly<Record<Part, string>> = {
  'parameter keys':
    'put them back before you start the server, with mode 600. With other keys, or with ward up --accept-missing keys, ' +
    'the server can’t read encrypted parameters, and calls that need them fail',
  'signing keys': 'put them back to sign and to check as before',
  'guest key': 'use --auth, or create another with ward namespace rotate-key guest',
  advisories: 'fetch them with ward advisories update: without them scans find no vulnerable packages',
  configuration: 'start Ward with the same configuration, or it uses the default limits and sandboxes',
  code: 'the backup lacks it: deploy its actions again',
  image: 'the backup lacks a part of it: build or pull it again',
};

function tellMissing(io: Io, { missing, damaged }: Told, meaning: Readonly<Record<Part, string>>): void {
  for (const { part, name, why } of missing) {
    if (why === 'gone' && (part === 'code' || part === 'image'))
      io.problem('BLOB_NOT_FOUND', `${part} ${name}`, { hint: meaning[part] });
    else io.note(`missing: ${part} (${name}): ${meaning[part]}`);
  }
  for (const name of damaged)
    io.problem('BLOB_CORRUPT', `${name} is damaged on the server: its bytes have another digest`);
}

/** True when the file contains everything that was asked for, undamaged. */
function isWhole({ missing, damaged }: Told): boolean {
  return (
    damaged.length === 0 &&
    !missing.some(({ part, why }) => why === 'gone' && (part === 'code' || part === 'image'))
  );
}

function commonFields({ takenAt, ward, files, missing }: Told): (readonly [string, string])[] {
  return [
    ['taken at', takenAt],
    ['ward', ward],
    ['files', String(files)],
    ['missing', [...new Set(missing.map(({ part }) => part))].join(', ') || '-'],
  ];
}

interface Steps {
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

async function withProgress<T>({ io }: Context, work: (steps: Steps) => Promise<T>): Promise<T | undefined> {
  using progress = io.progress();
  return await interruptible((signal) => work({ signal, onStep: (text) => progress.show(text) }));
}
