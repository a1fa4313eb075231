/** `ward logs`: lines of the logs of recorded activations, or the log of one while it is written. */
import { isJsonObject, type JsonObject } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { numberOf, stripLogLine, textOf } from '../entity-fields.ts';
import { cliFault } from '../faults.ts';
import { printableLine } from '../printable.ts';
import { parseActivationFilter } from './activation-filter.ts';
import { timeOf } from './violations.ts';

const pageSize = 200;
/** Options of a search. */
const searching = ['grep', 'since', 'until', 'limit'] as const;

export const searchLogs: Handler = async (input, context) => {
  if (input.has('follow')) {
    const other = searching.find((option) => input.has(option));
    if (other !== undefined) throw cliFault('USAGE', `--follow and --${other} exclude each other`);
    return (await import('./activation.ts')).logs(input, context);
  }
  const { io } = context;
  const client = await context.client();
  const { namespace, name } = parseActivationFilter(input.optional(0), context.settings().namespace.value);
  const limit = input.integer('limit', { min: 1, max: 10_000 }) ?? 100;
  const now = Date.now();
  const filter = { name, text: input.text('grep'), since: whole(timeOf('since', input.text('since'), now)) };
  const path = ['namespaces', namespace, 'logs'];
  let upto = whole(timeOf('until', input.text('until'), now));
  const found: JsonObject[] = [];
  for (;;) {
    const query = { ...filter, upto, limit: Math.min(pageSize, limit - found.length) };
    const page = await client.sendForObject({ method: 'GET', root: '/ward/v1', path, query });
    const { lines, cut, next } = page;
    found.push(...(Array.isArray(lines) ? lines.filter(isJsonObject) : []));
    if (numberOf(cut) ?? 0)
      io.note(`${numberOf(cut)} lines of an activation were left out; see ward activation logs`);
    upto = numberOf(next);
    if (upto === undefined || found.length >= limit) break;
  }
  // The server finds the newest activation first; people read down to the newest.
  const ordered = inOrder(found);
  if (io.format === 'json' || io.format === 'yaml') await io.value(ordered);
  else io.lines(ordered.map((each) => lineOf(each, input.has('strip'))));
  if (upto !== undefined) io.note('there may be older lines; more with --limit or --until');
  return 0;
};

/** Keeps the order of lines within an activation. */
function inOrder(found: readonly JsonObject[]): readonly JsonObject[] {
  const groups: JsonObject[][] = [];
  for (const each of found) {
    const group = groups.at(-1);
    if (group?.[0]?.['activationId'] === each['activationId']) group?.push(each);
    else groups.push([each]);
  }
  return groups.reverse().flat();
}

function lineOf(found: JsonObject, isStripped: boolean): string {
  const line = textOf(found['line']);
  if (isStripped) return printableLine(stripLogLine(line));
  return printableLine(`${textOf(found['activationId'])} ${textOf(found['action'])} ${line}`);
}

function whole(time: number | undefined): number | undefined {
  return time === undefined ? undefined : Math.round(time);
}
