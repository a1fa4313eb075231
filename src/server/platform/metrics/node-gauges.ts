/**
 * Metrics of the nodes that this one hears. Names come from other machines, so the number of series is bounded, and
 * those of a node that is gone end.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ClusterCounts, HeardNode } from '../../../dispatch/index.ts';
import { figuresOf } from '../../cluster/node-figures.ts';

/** Nodes with series of their own, in the order of their names. */
const mostNodes = 1_000;
const mebibyte = 1024 * 1024;

export function watchNodes(registry: Registry, heard: () => readonly HeardNode[]): void {
  const gauge = (name: string, help: string, more: readonly string[] = []) =>
    new Gauge({ name: `ward_node_${name}`, help, labelNames: ['node', ...more], registers: [registry] });
  // The first gauge of a scrape reads the reports for all.
  const all = new Gauge({
    name: 'ward_nodes',
    help: 'Nodes of the cluster that this one hears, with itself',
    registers: [registry],
    collect() {
      const nodes = heard().toSorted((a, b) => (a.report.node < b.report.node ? -1 : 1));
      all.set(nodes.length);
      for (const each of perNode) each.reset();
      for (const node of nodes.slice(0, mostNodes)) show(node);
    },
  });
  const info = gauge('info', 'Always 1', ['role', 'version', 'policy', 'advisories', 'vex']);
  const beat = gauge('beat_age_seconds', 'Time since the last report of the node');
  const load = gauge('load', 'Jobs that run and wait there, per processor');
  const sandboxes = gauge('sandboxes', 'Sandboxes of the node by state', ['state']);
  const left = gauge('sandboxes_left', 'Sandboxes of the node that have ended but could not be removed yet');
  const queued = gauge('queue_length', 'Jobs that wait there for a sandbox');
  const warm = gauge('warm_actions', 'Actions that it could run without a start, at most 200');
  const memory = gauge('sandbox_memory_bytes', 'Memory of its sandboxes: promised, and used', ['what']);
  const draining = gauge('draining', '1 when it takes no new work');
  const alone = gauge('alone', '1 while it hears no invoker, and other nodes do');
  const perNode = [info, beat, load, sandboxes, left, queued, warm, memory, draining, alone];
  const show = ({ report, ageMs }: HeardNode) => {
    const { node, role, version } = report;
    const { invoker, policy, advisories, vex, isAlone } = figuresOf(report);
    info.set(
      {
        ...{ node, role, version },
        ...(policy !== undefined && { policy }),
        ...(advisories !== undefined && { advisories }),
        ...(vex !== undefined && { vex }),
      },
      1,
    );
    beat.set({ node }, ageMs / 1000);
    if (role !== 'invoker') alone.set({ node }, Number(isAlone ?? false));
    if (invoker === undefined) return;
    load.set({ node }, invoker.load);
    for (const [state, count] of Object.entries(invoker.sandboxes)) sandboxes.set({ node, state }, count);
    if (invoker.sandboxesLeft !== undefined) left.set({ node }, invoker.sandboxesLeft);
    queued.set({ node }, invoker.queued);
    warm.set({ node }, invoker.warm);
    memory.set({ node, what: 'promised' }, invoker.memoryMiB * mebibyte);
    if (invoker.memoryUsedMiB !== undefined)
      memory.set({ node, what: 'used' }, invoker.memoryUsedMiB * mebibyte);
    draining.set({ node }, Number(invoker.isDraining));
  };
}

const reasonOf: Readonly<Record<keyof ClusterCounts, string>> = {
  refused: 'unreadable',
  stalled: 'unfinished',
  unsent: 'unsent',
  ignored: 'not theirs',
};

export function watchMessages(registry: Registry, counts: () => ClusterCounts): void {
  const dropped = new Counter({
    name: 'ward_messages_dropped_total',
    help: 'Messages of and to other nodes that this one dropped',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      dropped.reset();
      for (const [name, count] of Object.entries(counts()))
        dropped.inc({ reason: reasonOf[name as keyof ClusterCounts] }, count);
    },
  });
}
