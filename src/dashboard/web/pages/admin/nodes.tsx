/** The nodes of this Ward, as `ward node list` has them. */

import type { Node, Overview, Queue, QueueOfNamespace } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { CommandLine } from '../../components/command-line.tsx';
import { Identifier } from '../../components/copy.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { Status, type Tone } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { ageText, countText, durationText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { useNews } from '../use-news.ts';

const tones: Readonly<Record<string, Tone>> = { ready: 'good', draining: 'warn', silent: 'bad' };

const columns: readonly Column<Node>[] = [
  { title: 'Node', cell: ({ name }) => <Identifier text={name} what="name of the node" /> },
  { title: 'State', cell: ({ state }) => <Status tone={tones[state] ?? 'idle'} text={state} /> },
  { title: 'Role', cell: ({ role }) => <span class="bounded">{role}</span> },
  { title: 'Version', cell: ({ version }) => <span class="bounded">{version}</span> },
  {
    title: 'Heard',
    cell: ({ beatAgeMs }) =>
      typeof beatAgeMs === 'number' ? `${ageText(beatAgeMs)} ago` : <span class="quiet">itself</span>,
  },
  {
    title: 'Busy, idle, prewarmed',
    cell: ({ figures }) => {
      const sandboxes = figures?.invoker?.sandboxes;
      if (sandboxes === undefined) return null;
      return [sandboxes.busy + sandboxes.starting, sandboxes.idle, sandboxes.prewarmed]
        .map(countText)
        .join(', ');
    },
    isNumber: true,
  },
  {
    title: 'Waiting',
    cell: ({ figures }) => figures?.invoker !== undefined && countText(figures.invoker.queued),
    isNumber: true,
  },
  {
    title: 'Memory promised',
    cell: ({ figures }) =>
      figures?.invoker !== undefined &&
      `${countText(figures.invoker.memoryMiB)} of ${countText(figures.invoker.memoryLimitMiB)} MiB`,
    isNumber: true,
  },
  {
    title: 'Memory used',
    cell: ({ figures }) =>
      figures?.invoker?.memoryUsedMiB !== undefined && `${countText(figures.invoker.memoryUsedMiB)} MiB`,
    isNumber: true,
  },
];

const queueColumns: readonly Column<QueueOfNamespace>[] = [
  {
    title: 'Namespace',
    cell: ({ namespace }) => (
      <a class="breaks" href={linkTo(['namespaces', namespace])}>
        {namespace}
      </a>
    ),
  },
  { title: 'Wait', cell: ({ waiting }) => countText(waiting), isNumber: true },
  {
    title: 'The oldest for',
    cell: ({ oldestWaitingMs }) => oldestWaitingMs !== null && durationText(oldestWaitingMs),
    isNumber: true,
  },
  { title: 'Run', cell: ({ begun }) => countText(begun), isNumber: true },
];

async function loadNodes(signal: AbortSignal) {
  const [{ nodes }, queue] = await Promise.all([
    call<Overview>('GET', '/ward/v1/operator/overview', { signal }),
    call<Queue>('GET', '/ward/v1/operator/queue?limit=0', { signal }),
  ]);
  return { nodes, queue };
}

export function Nodes() {
  const loaded = useLoad(loadNodes, '');
  useNews(['nodes'], loaded.reload);
  return (
    <>
      <PageHead title="Nodes" about="The machines that run functions, and those that serve the API." />
      <LoadView loaded={loaded}>
        {({ nodes, queue }) => (
          <div class="stack sections">
            <div class="stack">
              <Table caption="Nodes" columns={columns} rows={nodes} keyOf={({ name }) => name} />
              {nodes.length < 2 && (
                <>
                  <p class="quiet">To let a second machine join, on this one:</p>
                  <CommandLine text="ward node token" />
                </>
              )}
            </div>
            <Section title="Accepted calls">
              <QueueView queue={queue} />
            </Section>
          </div>
        )}
      </LoadView>
    </>
  );
}

/** Calls whose callers do not wait. The nodes have those that do, and those that they took from here. */
function QueueView({ queue: { total, namespaces } }: { readonly queue: Queue }) {
  if (total === 0)
    return (
      <p class="quiet">No call waits or runs of those that were accepted without a caller that waits.</p>
    );
  return (
    <>
      <Table
        caption="Accepted calls"
        columns={queueColumns}
        rows={namespaces}
        keyOf={({ namespace }) => namespace}
      />
      {total > namespaces.length && (
        <p class="quiet">{countText(total - namespaces.length)} more namespaces have some.</p>
      )}
    </>
  );
}
