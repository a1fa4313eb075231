/** `ward namespace calls`: an operator's command on the data of this machine. */
import type { Handler } from '../command-spec.ts';
import { localOptions, openServer } from '../local.ts';

const most = 200;

const windows = { '5m': 'the last 5 minutes', '1h': 'the last hour', '1d': 'the last day' } as const;

export const calls: Handler = async (input, { io }) => {
  const { callsHere } = await openServer();
  const limit = input.integer('limit', { max: most }) ?? 30;
  const skip = input.integer('skip') ?? 0;
  const asked = input.text('window');
  const window = asked === '5m' || asked === '1d' ? asked : '1h';
  const figures = await callsHere(localOptions(input), { window, skip, limit: limit === 0 ? most : limit });
  const { total, namespaces } = figures;
  await io.list({
    items: namespaces,
    data: { ...figures },
    columns: [
      { title: 'namespace', cell: ({ namespace }) => namespace },
      { title: 'calls', cell: (row) => String(row.calls), align: 'right' },
      { title: 'a second', cell: ({ callsPerSecond }) => callsPerSecond.toFixed(2), align: 'right' },
      { title: 'failed', cell: ({ failed }) => String(failed), align: 'right' },
      { title: 'failed %', cell: (row) => percent(row.failed, row.calls), align: 'right' },
      { title: 'p50 ms', cell: ({ p50Ms }) => String(p50Ms), align: 'right' },
      { title: 'p99 ms', cell: ({ p99Ms }) => String(p99Ms), align: 'right' },
      { title: 'cold %', cell: (row) => percent(row.coldStarts, row.calls), align: 'right' },
    ],
    name: ({ namespace }) => namespace,
  });
  const shown = skip + namespaces.length;
  if (total === 0) io.note(`no namespace had calls in ${windows[window]}`);
  else if (shown < total) io.note(`${total - shown} more of ${total}: --skip ${shown}`);
  return 0;
};

function percent(part: number, whole: number): string {
  return ((part / whole) * 100).toFixed(1);
}
