/** `ward node list`, `show` and `drain`. */
import type { NodeList, NodeView } from '../../server/index.ts';
import type { Handler } from '../command-spec.ts';
import { durationText, timeText } from '../entity-fields.ts';
import type { Io } from '../io.ts';
import { localOptions, openServer } from '../local.ts';
import { interruptible, tellInterrupted } from './interruptible.ts';

/** Nodes named in one part of a line. */
const mostNames = 5;

export const list: Handler = async (input, { io }) => {
  const { listNodes } = await openServer();
  const { isCluster, nodes, queue, policies, vex, advisories, alone } = await listNodes(localOptions(input));
  if (!isCluster)
    io.note('this Ward is one node: it has not joined a cluster, and the setting bus is absent');
  else if (nodes.length === 0) io.note('no server has noted a node of the cluster yet: start one');
  else if (nodes.every(({ state }) => state === 'silent'))
    io.note('all nodes are silent: nodes with the database note the others, so perhaps none of those runs');
  await io.list<NodeView>({
    items: nodes,
    data: { isCluster, nodes, queue, policies, vex, advisories, alone },
    columns: [
      { title: 'name', cell: ({ name }) => name, isWhole: true },
      { title: 'role', cell: ({ role }) => role },
      { title: 'version', cell: ({ version }) => version },
      { title: 'state', cell: ({ state }) => state },
      { title: 'load', cell: ({ figures }) => figures?.invoker?.load.toFixed(2) ?? '-', align: 'right' },
      { title: 'sandboxes', cell: ({ figures }) => sandboxCount(figures), align: 'right' },
      { title: 'memory', cell: ({ figures }) => memoryText(figures?.invoker), align: 'right' },
      { title: 'warm', cell: ({ figures }) => `${figures?.invoker?.warm ?? '-'}`, align: 'right' },
      { title: 'queue', cell: ({ figures }) => `${figures?.invoker?.queued ?? '-'}`, align: 'right' },
      { title: 'beat', cell: (node) => beatText(node), align: 'right' },
    ],
    name: ({ name }) => name,
  });
  io.note(`accepted calls: ${queueText(queue)}`);
  for (const difference of differencesOf({ policies, vex, advisories })) io.note(difference);
  if (alone.length > 0) io.note(aloneText(alone));
  return 0;
};

export const show: Handler = async (input, { io }) => {
  const { showNode } = await openServer();
  const node = await showNode(localOptions(input), input.required(0));
  const { figures } = node;
  const invoker = figures?.invoker;
  await io.record({
    fields: [
      ['name', node.name],
      ['role', node.role],
      ['version', node.version],
      ['state', node.state],
      ['drained', node.isDrained ? 'yes, by the operator' : 'no'],
      ['last beat', node.beatAgeMs === null ? '-' : `${durationText(node.beatAgeMs)} ago`],
      ['in the cluster for', durationText(figures?.upMs) || '-'],
      ['load', invoker === undefined ? '-' : `${invoker.load.toFixed(2)} jobs per processor`],
      ['processors', `${invoker?.processors ?? '-'}`],
      ['sandboxes', invoker === undefined ? '-' : statesText(invoker.sandboxes)],
      ['not removed yet', `${invoker?.sandboxesLeft ?? '-'}`],
      [
        'memory promised',
        invoker === undefined ? '-' : `${invoker.memoryMiB} of ${invoker.memoryLimitMiB} MiB`,
      ],
      ['memory used', invoker?.memoryUsedMiB === undefined ? '-' : `${invoker.memoryUsedMiB} MiB`],
      ['warm actions', `${invoker?.warm ?? '-'}`],
      ['queue', `${invoker?.queued ?? '-'}`],
      ['policy', figures?.policy ?? '-'],
      ['advisories', figures?.advisories ?? '-'],
      ['vex', figures?.vex || '-'],
    ],
    name: node.name,
    data: node,
  });
  return 0;
};

export const drain: Handler = async (input, { io }) => {
  const { drainNode } = await openServer();
  const place = localOptions(input);
  const isDrained = !input.has('undo');
  const order = await drainNode(place, input.required(0), isDrained);
  const { name } = order;
  if (!isDrained) io.ok(`node ${name} takes work again`);
  else {
    io.note(`node ${name} takes no new work from ${timeText(order.at)} on, also after a restart`);
    if (order.others === 0) io.note('no other node takes work now, so calls are refused');
    if (input.has('wait') && !(await untilDrained(place, order, io)))
      return tellInterrupted(
        io,
        `node ${name} stays drained, and may still run calls`,
        `ward node drain ${name} --wait waits for their end, and --undo gives it work again`,
      );
  }
  await io.record({
    fields: [
      ['name', name],
      ['drained', isDrained ? 'yes' : 'no'],
    ],
    name,
    data: order,
  });
  return 0;
};

/** False when the user interrupted it. The node stays drained. */
async function untilDrained(
  place: ReturnType<typeof localOptions>,
  order: { readonly name: string; readonly at: number },
  io: Io,
): Promise<boolean> {
  const { awaitDrained } = await openServer();
  using progress = io.progress();
  const isDone = await interruptible(async (signal) => {
    await awaitDrained(place, order, {
      signal,
      onProgress: (left) =>
        progress.show(
          left === undefined
            ? `waiting for node ${order.name}`
            : `${left} calls run or wait on ${order.name}`,
        ),
    });
    return true;
  });
  progress.show('');
  if (isDone === true) io.ok(`nothing runs on node ${order.name} any more`);
  return isDone === true;
}

function sandboxCount(figures: NodeView['figures']): string {
  const { sandboxes } = figures?.invoker ?? {};
  return sandboxes === undefined ? '-' : `${Object.values(sandboxes).reduce((sum, count) => sum + count, 0)}`;
}

function statesText(states: Readonly<Record<string, number>>): string {
  return Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

/** Sentences about nodes that judge differently: then an answer depends on the node that gives it. */
export function differencesOf({
  policies,
  vex,
  advisories,
}: Pick<NodeList, 'policies' | 'vex' | 'advisories'>): readonly string[] {
  const on = (revision: string, nodes: readonly string[]) => `${revision || 'none'} on ${namesText(nodes)}`;
  const about = (what: string, all: readonly string[], remedy = 'so give all the same') =>
    all.length < 2 ? [] : [`nodes judge by different ${what}, ${remedy}: ${all.join('; ')}`];
  return [
    ...about(
      'policies',
      policies.map(({ policy, nodes }) => on(policy, nodes)),
    ),
    ...about(
      'VEX documents',
      vex.map(({ vex, nodes }) => on(vex, nodes)),
    ),
    ...about(
      'advisories',
      advisories.map(({ advisories, nodes }) => on(advisories, nodes)),
      'and the log of each says what keeps it from the latest',
    ),
  ];
}

/** A sentence about nodes that hear no invoker, while others do. */
export function aloneText(alone: readonly string[]): string {
  const remedy = 'check the routes between the servers of NATS';
  return `no invoker is heard on ${namesText(alone)}, but elsewhere: ${remedy}`;
}

/** The first of them, and how many more there are. */
export function namesText(names: readonly string[]): string {
  const others = names.length > mostNames ? ` and ${names.length - mostNames} more` : '';
  return `${names.slice(0, mostNames).join(', ')}${others}`;
}

export function queueText({ waiting, begun, oldestWaitingMs }: NodeList['queue']): string {
  const oldest = oldestWaitingMs === null ? '' : `, the oldest for ${durationText(oldestWaitingMs)}`;
  return `${waiting} wait${oldest}; ${begun} run`;
}

function beatText({ beatAgeMs }: NodeView): string {
  return beatAgeMs === null ? '-' : `${(beatAgeMs / 1000).toFixed(1)} s`;
}

/** Used of what is promised, of the limit. */
function memoryText(invoker: NonNullable<NodeView['figures']>['invoker']): string {
  if (invoker === undefined) return '-';
  return `${invoker.memoryUsedMiB ?? '-'}/${invoker.memoryMiB}/${invoker.memoryLimitMiB} MiB`;
}
