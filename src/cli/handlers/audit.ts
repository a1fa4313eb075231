/** `ward audit list`, `export`, `verify`. */
import {
  type AuditEntry,
  type AuditFound,
  type AuditQuery,
  type Checkpoint,
  parseCheckpoint,
  readTrustedKey,
} from '../../gate/index.ts';
import type { AuditAdmin } from '../../server/index.ts';
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { readBounded } from '../read-source.ts';
import { timeOf } from './violations.ts';

const longestFile = 64 * 1024;
const exportedAtOnce = 1000;

export const list: Handler = async (input, { io }) => {
  const query = queryOf(input);
  const { auditAdmin } = await openServer();
  await using admin = await auditAdmin(localOptions(input));
  const { entries, next } = await searchAll(admin, query);
  await io.list({
    items: entries,
    columns: [
      { title: 'seq', cell: ({ seq }) => String(seq), align: 'right' },
      { title: 'time', cell: ({ time }) => time.slice(0, 19) },
      { title: 'what', cell: ({ event }) => event },
      { title: 'name', cell: ({ name, digest }) => name ?? digest ?? '' },
      { title: 'who', cell: ({ actor }) => actor },
      { title: 'from', cell: ({ from }) => from ?? '' },
      { title: 'outcome', cell: ({ outcome, stage }) => [outcome, stage].filter(Boolean).join(' at ') },
      { title: 'summary', cell: ({ summary }) => summary ?? '' },
      { title: 'namespace', cell: ({ namespace }) => namespace ?? '', isWide: true },
      { title: 'before', cell: ({ before }) => before ?? '', isWide: true },
      { title: 'after', cell: ({ after }) => after ?? '', isWide: true },
      { title: 'request', cell: ({ request }) => request ?? '', isWide: true },
      { title: 'digest', cell: ({ digest }) => digest ?? '', isWide: true },
      { title: 'hash', cell: ({ hash }) => hash, isWide: true },
    ],
    name: ({ seq }) => String(seq),
  });
  if (next !== undefined) io.note(`more with --after ${next}`);
  return 0;
};

/** One JSON object a line, with the hash that the next one names: a copy that others can check. */
export const exportLines: Handler = async (input, { io }) => {
  const query = queryOf(input);
  const { auditAdmin } = await openServer();
  await using admin = await auditAdmin(localOptions(input));
  const syslog = input.text('syslog');
  let after: number | undefined = query.after;
  let sent = 0;
  for (;;) {
    const { entries, next } = await admin.search({ ...query, after, limit: exportedAtOnce });
    if (syslog === undefined) for (const entry of entries) io.lines([JSON.stringify(entry)]);
    else {
      await admin.send(syslog, entries);
      sent += entries.length;
      const last = entries.at(-1);
      if (last !== undefined) io.note(`sent up to the entry ${last.seq}`);
    }
    if (next === undefined) break;
    after = next;
  }
  if (syslog !== undefined) io.ok(`sent ${sent} entries to ${syslog}`);
  return 0;
};

function queryOf(input: Input): AuditQuery {
  const now = Date.now();
  return {
    after: input.integer('after'),
    who: input.text('who'),
    what: input.text('what'),
    namespace: input.text('namespace'),
    since: timeOf('since', input.text('since'), now),
    until: timeOf('until', input.text('until'), now),
    limit: input.integer('limit', { min: 1, max: 10_000 }) ?? 100,
  };
}

/** A rare pattern may need several searches. */
async function searchAll(admin: AuditAdmin, query: AuditQuery): Promise<AuditFound> {
  const all: AuditEntry[] = [];
  let { after } = query;
  for (;;) {
    const { entries, next } = await admin.search({ ...query, after, limit: query.limit - all.length });
    all.push(...entries);
    if (next === undefined || all.length >= query.limit) return { entries: all, next };
    after = next;
  }
}

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
