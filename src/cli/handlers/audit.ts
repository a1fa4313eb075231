/** `ward audit list`, `export`: over the API for a key, or on the data of this machine for its operator; `verify`. */
import { type Checkpoint, parseCheckpoint, readTrustedKey } from '../../gate/index.ts';
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { numberOf, textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { refuseOtherServer } from '../other-server.ts';
import { readBounded } from '../read-source.ts';
import { dataDirOf, localKeyPath } from '../settings.ts';
import { timeOf } from './violations.ts';

const longestFile = 64 * 1024;
const exportedAtOnce = 1000;
/** Most that the API answers with at once. */
const pageLength = 500;

interface Page {
  readonly entries: readonly JsonObject[];
  /** Continue after this entry, even if the page is empty: a rare pattern may need several. */
  readonly next: number | undefined;
}

/** The log, oldest entry first. */
interface AuditLog extends AsyncDisposable {
  read(after: number | undefined, limit: number): Promise<Page>;
}

export const list: Handler = async (input, context) => {
  const { io } = context;
  const limit = input.integer('limit', { min: 1, max: 10_000 }) ?? 100;
  await using log = await openLog('list', input, context);
  const entries: JsonObject[] = [];
  let next = input.integer('after');
  do {
    const page = await log.read(next, limit - entries.length);
    entries.push(...page.entries);
    next = page.next;
  } while (next !== undefined && entries.length < limit);
  await io.list({
    items: entries,
    columns: [
      { title: 'seq', cell: ({ seq }) => String(seq), align: 'right' },
      { title: 'time', cell: ({ time }) => textOf(time).slice(0, 19) },
      { title: 'what', cell: ({ event }) => textOf(event) },
      { title: 'name', cell: ({ name, digest }) => textOf(name ?? digest) },
      { title: 'who', cell: ({ actor }) => textOf(actor) },
      { title: 'from', cell: ({ from }) => textOf(from) },
      {
        title: 'outcome',
        cell: ({ outcome, stage }) => [outcome, stage].map(textOf).filter(Boolean).join(' at '),
      },
      { title: 'summary', cell: ({ summary }) => textOf(summary) },
      ...(['namespace', 'before', 'after', 'request', 'digest', 'hash'] as const).map((field) => ({
        ...{ title: field, isWide: true },
        cell: (entry: JsonObject) => textOf(entry[field]),
      })),
    ],
    name: ({ seq }) => String(seq),
  });
  if (next !== undefined) io.note(`more with --after ${next}`);
  tellOperator('list', input, context);
  return 0;
};

/** One JSON object a line, with the hash that the next one names: a copy that others can check. */
export const exportLines: Handler = async (input, context) => {
  const { io } = context;
  const syslog = input.text('syslog');
  if (syslog !== undefined) return sendTo(syslog, input, context);
  await using log = await openLog('export', input, context);
  let next = input.integer('after');
  let count = 0;
  do {
    const page = await log.read(next, exportedAtOnce);
    io.lines(page.entries.map((entry) => JSON.stringify(entry)));
    count += page.entries.length;
    next = page.next;
  } while (next !== undefined);
  io.ok(`exported ${count} entries`);
  tellOperator('export', input, context);
  return 0;
};

async function sendTo(syslog: string, input: Input, context: Context): Promise<number> {
  if (!isHere(input)) throw cliFault('USAGE', '--syslog goes with --all or --namespace');
  const { io } = context;
  await using admin = await openHere('export', input, context);
  const filter = { ...filterOf(input), namespace: input.text('namespace'), limit: exportedAtOnce };
  let after = input.integer('after');
  let sent = 0;
  do {
    const { entries, next } = await admin.search({ ...filter, after });
    await admin.send(syslog, entries);
    sent += entries.length;
    const last = entries.at(-1);
    if (last !== undefined) io.note(`sent up to the entry ${last.seq}`);
    after = next;
  } while (after !== undefined);
  io.ok(`sent ${sent} entries to ${syslog}`);
  return 0;
}

function isHere(input: Input): boolean {
  return input.has('all') || input.has('namespace');
}

async function openLog(command: string, input: Input, context: Context): Promise<AuditLog> {
  const filter = filterOf(input);
  if (!isHere(input)) return logOfKey(filter, input, context);
  const admin = await openHere(command, input, context);
  const namespace = input.text('namespace');
  return {
    async read(after, limit) {
      const { entries, next } = await admin.search({ ...filter, namespace, after, limit });
      return { entries: entries.map((entry) => ({ ...entry })), next };
    },
    [Symbol.asyncDispose]: () => admin[Symbol.asyncDispose](),
  };
}

async function openHere(command: string, input: Input, { env }: Context) {
  refuseOtherServer(`audit ${command}`, input, env);
  const { auditAdmin } = await openServer();
  return auditAdmin(localOptions(input));
}

async function logOfKey(
  filter: ReturnType<typeof filterOf>,
  input: Input,
  context: Context,
): Promise<AuditLog> {
  if (input.has('config')) throw cliFault('USAGE', '--config goes with --all or --namespace');
  const client = await context.client();
  return {
    async read(after = 0, most) {
      const query = { ...filter, after, limit: Math.min(most, pageLength) };
      const request = { method: 'GET', root: '/ward/v1', path: ['audit'], query } as const;
      const { entries, next } = await client.sendForObject(request);
      const following = numberOf(next);
      if (!Array.isArray(entries) || (following !== undefined && following <= after))
        throw cliFault(
          'SERVER_NOT_WARD',
          'the server answered with something other than a page of its audit log',
        );
      return { entries: entries.filter(isJsonObject), next: following };
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** An operator who names no key gets that of this machine, and may not expect one namespace. */
function tellOperator(command: string, input: Input, { io, env, settings }: Context): void {
  if (isHere(input)) return;
  if (settings().auth?.source !== localKeyPath(dataDirOf(input.text('data'), env))) return;
  io.note(`of one namespace; those of the whole machine: ward audit ${command} --all`);
}

function filterOf(input: Input) {
  const now = Date.now();
  return {
    who: input.text('who'),
    what: input.text('what'),
    since: timeOf('since', input.text('since'), now),
    until: timeOf('until', input.text('until'), now),
  };
}

export const verify: Handler = async (input, { io }) => {
  const { auditAdmin } = await openServer();
  const keys = await Promise.all(
    input.texts('key').map(async (file) => readTrustedKey(await readText(file))),
  );
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

async function readText(file: string): Promise<string> {
  return (await readBounded(file, longestFile)).toString('utf8');
}

async function checkpointOf(file: string): Promise<Checkpoint> {
  const checkpoint = parseCheckpoint(await readText(file));
  if (checkpoint !== undefined) return checkpoint;
  throw cliFault('SOURCE_UNREADABLE', `${file} is not a checkpoint of an audit log`);
}
