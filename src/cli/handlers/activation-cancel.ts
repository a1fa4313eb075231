/** `ward activation cancel`: ends calls that have not ended, by their ids or by a filter. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { ApiClient } from '../client.ts';
import type { Context, Handler } from '../command-spec.ts';
import { textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import type { Input } from '../input.ts';
import { printableLine } from '../printable.ts';
import { parseActivationFilter } from './activation-filter.ts';
import { timeOf } from './violations.ts';

/** The most that the API lists and cancels at once. */
const mostListed = 200;
/** Options that choose calls. */
const filters = ['action', 'since', 'until', 'all'] as const;

export const cancel: Handler = async (input, context) => {
  const client = await context.client();
  const { io } = context;
  const ids = input.rest(0);
  const chosen = filters.filter((each) => input.has(each));
  if ((ids.length === 0) === (chosen.length === 0))
    throw cliFault(
      'USAGE',
      'name activations by their ids, or choose them with --action, --since, --until or --all',
    );
  const { namespace, calls, total } =
    ids.length > 0 ? named(ids, context) : await listed(input, context, client);
  if (input.has('dryRun')) {
    io.lines(calls.map(({ id, name }) => printableLine(`${id}  ${name}`)));
    io.note(`${countOf(total)} would be cancelled`);
    return 0;
  }
  const cancelled: string[] = [];
  const missing: string[] = [];
  for (let at = 0; at < calls.length; at += mostListed) {
    const body = { activationIds: calls.slice(at, at + mostListed).map(({ id }) => id) };
    const path = ['namespaces', namespace, 'calls', 'cancel'];
    const { body: answer } = await client.send({ method: 'POST', root: '/ward/v1', path, body });
    cancelled.push(...idsIn(answer, 'cancelled'));
    missing.push(...idsIn(answer, 'missing'));
  }
  io.ok(`cancelled ${countOf(cancelled.length)}`);
  for (const id of missing) io.note(`activation ${printableLine(id)} has ended, or does not exist`);
  if (total > calls.length) io.note(`${countOf(total - calls.length)} more: repeat the command`);
  if (io.format === 'json' || io.format === 'yaml') await io.value({ cancelled, missing });
  return missing.length > 0 && ids.length > 0 ? 1 : 0;
};

interface Chosen {
  readonly namespace: string;
  readonly calls: readonly { readonly id: string; readonly name: string }[];
  readonly total: number;
}

function named(ids: readonly string[], context: Context): Chosen {
  const calls = ids.map((id) => ({ id, name: '' }));
  return { namespace: context.settings().namespace.value, calls, total: ids.length };
}

async function listed(input: Input, context: Context, client: ApiClient): Promise<Chosen> {
  const { namespace, name } = parseActivationFilter(input.text('action'), context.settings().namespace.value);
  const now = Date.now();
  const at = (option: 'since' | 'until') => {
    const time = timeOf(option, input.text(option), now);
    return time === undefined ? undefined : Math.round(time);
  };
  const query = { name, since: at('since'), upto: at('until'), limit: mostListed };
  const path = ['namespaces', namespace, 'calls'];
  const page = await client.sendForObject({ method: 'GET', root: '/ward/v1', path, query });
  const found = Array.isArray(page['calls']) ? page['calls'].filter(isJsonObject) : [];
  const calls = found.map((each: JsonObject) => ({
    id: textOf(each['activationId']),
    name: textOf(each['path']),
  }));
  return { namespace, calls, total: Number(page['total'] ?? calls.length) };
}

function idsIn(answer: unknown, field: string): readonly string[] {
  const ids = isJsonObject(answer) ? answer[field] : undefined;
  return Array.isArray(ids) ? ids.map(textOf) : [];
}

function countOf(count: number): string {
  return count === 1 ? '1 call' : `${count} calls`;
}
