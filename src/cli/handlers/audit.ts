/** `ward audit list`, `verify`. */
import { type Checkpoint, parseCheckpoint, readTrustedKey } from '../../gate/index.ts';
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { localOptions, openServer } from '../local.ts';
import { readBounded } from '../read-source.ts';

const longestFile = 64 * 1024;

export const list: Handler = async (input, { io }) => {
  const { auditAdmin } = await openServer();
  await using admin = await auditAdmin(localOptions(input));
  const limit = input.integer('limit', { min: 1, max: 10_000 }) ?? 100;
  const entries = await admin.list({ after: input.integer('after') ?? 0, limit });
  await io.list({
    items: entries,
    columns: [
      { title: 'seq', cell: ({ seq }) => String(seq), align: 'right' },
      { title: 'time', cell: ({ time }) => time.slice(0, 19) },
      { title: 'event', cell: ({ event }) => event },
      { title: 'outcome', cell: ({ outcome }) => outcome ?? '' },
      { title: 'stage', cell: ({ stage }) => stage ?? '' },
      { title: 'namespace', cell: ({ namespace }) => namespace ?? '' },
      { title: 'name', cell: ({ name, digest }) => name ?? digest ?? '' },
      { title: 'summary', cell: ({ summary }) => summary ?? '' },
      { title: 'actor', cell: ({ actor }) => actor, isWide: true },
      { title: 'digest', cell: ({ digest }) => digest ?? '', isWide: true },
      { title: 'hash', cell: ({ hash }) => hash, isWide: true },
    ],
    name: ({ seq }) => String(seq),
  });
  if (entries.length === limit) io.note(`more with --after ${entries.at(-1)?.seq ?? 0}`);
  return 0;
};

export const verify: Handler = async (input, { io }) => {
  const { auditAdmin } = await openServer();
  const keys = await Promise.all(input.texts('key').map(async (file) => readTrustedKey(await textOf(file))));
  const checkpoints = await Promise.all(input.texts('checkpoint').map(checkpointOf));
  await using admin = await auditAdmin(localOptions(input));
  const checked = await admin.verify({ checkpoints, ...(keys.length === 0 ? {} : { keys }) });
  await io.record({
    fields: [
      ['intact', checked.isIntact ? 'yes' : 'no'],
      ['entries', String(checked.entries)],
      ['checkpoints', String(checked.checkpoints)],
      ['hash', checked.hash],
      ...checked.problems.map(({ seq, text }) => ['problem', `entry ${seq}: ${text}`] as const),
    ],
    name: checked.hash,
    data: checked,
  });
  return checked.isIntact ? 0 : 1;
};

async function textOf(file: string): Promise<string> {
  return (await readBounded(file, longestFile)).toString('utf8');
}

async function checkpointOf(file: string): Promise<Checkpoint> {
  const checkpoint = parseCheckpoint(await textOf(file));
  if (checkpoint !== undefined) return checkpoint;
  throw cliFault('SOURCE_UNREADABLE', `${file} is not a checkpoint of an audit log`);
}
