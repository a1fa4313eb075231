/** `ward egress list`: over the API for a key, or on the data of this machine for its operator. */
import { formatSize, isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { numberOf, textOf, timeText } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { refuseOtherServer } from '../other-server.ts';
import { dateOf, daysOf } from './usage.ts';

const usualDays = 7;
/** Most that the API answers with at once. */
const pageLength = 200;

interface Page {
  readonly targets: readonly JsonObject[];
  readonly next: string | null;
}

type ReadPage = (after: string | undefined) => Promise<Page>;

export const list: Handler = async (input, context) => {
  const { io } = context;
  const isHere = input.has('all') || input.has('namespace');
  if (!isHere && input.has('config')) throw cliFault('USAGE', '--config goes with --all or --namespace');
  const limit = input.integer('limit', { min: 1, max: 100_000 }) ?? 1000;
  const read = isHere ? await pagesHere(input, context) : await pagesOfKey(input, context);
  const rows: JsonObject[] = [];
  let next: string | null = null;
  do {
    const page: Page = await read(next ?? undefined);
    rows.push(...page.targets);
    next = page.next;
  } while (next !== null && rows.length < limit);
  await io.list({
    items: rows.slice(0, limit),
    columns: [
      { title: 'namespace', cell: ({ namespace }) => textOf(namespace), isWide: !isHere },
      { title: 'action', cell: ({ action }) => textOf(action) || '(others)' },
      { title: 'target', cell: targetText },
      { title: 'refused', cell: ({ refusal }) => textOf(refusal) },
      { title: 'calls', cell: ({ calls }) => String(calls), align: 'right' },
      { title: 'times', cell: ({ attempts }) => String(attempts), align: 'right' },
      { title: 'sent', cell: ({ sentBytes }) => formatSize(numberOf(sentBytes) ?? 0), align: 'right' },
      {
        title: 'received',
        cell: ({ receivedBytes }) => formatSize(numberOf(receivedBytes) ?? 0),
        align: 'right',
      },
      { title: 'last', cell: ({ lastAt }) => timeText(lastAt) },
      { title: 'last activation', cell: ({ lastActivationId }) => textOf(lastActivationId), isWide: true },
    ],
    name: ({ target }) => textOf(target),
  });
  if (next !== null || rows.length > limit) io.note(`the first ${limit}; more with --limit`);
  return 0;
};

async function pagesHere(input: Input, { env }: Context): Promise<ReadPage> {
  refuseOtherServer('egress', input, env);
  const { egressHere } = await openServer();
  const query = {
    ...{ namespace: input.text('namespace'), action: input.optional(0), ...daysOf(input, usualDays) },
    ...{ target: input.text('target') ?? '', isRefused: input.has('refused') || undefined },
  };
  return async (after) => {
    const { targets, next } = await egressHere(localOptions(input), query, after);
    return { targets: targets.map((target) => ({ ...target })), next };
  };
}

async function pagesOfKey(input: Input, context: Context): Promise<ReadPage> {
  const client = await context.client();
  const { since, until } = daysOf(input, usualDays);
  const query = {
    ...{ action: input.optional(0), target: input.text('target'), limit: String(pageLength) },
    ...{ since: dateOf(since), until: dateOf(until) },
    ...(input.has('refused') ? { refused: 'true' } : {}),
  };
  return async (after) => {
    const request = {
      method: 'GET',
      root: '/ward/v1',
      path: ['egress'],
      query: { ...query, after },
    } as const;
    const { targets, next } = await client.sendForObject(request);
    return {
      targets: Array.isArray(targets) ? targets.filter(isJsonObject) : [],
      next: typeof next === 'string' ? next : null,
    };
  };
}

function targetText({ target, port, protocol }: JsonObject): string {
  const name = textOf(target);
  if (name === '') return '(not told apart)';
  const where = name.includes(':') ? `[${name}]` : name;
  return `${textOf(protocol)} ${where}${port === 0 ? '' : `:${String(port)}`}`;
}
