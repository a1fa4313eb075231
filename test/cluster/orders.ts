/** What can be done to a cluster by hand: a table of words, for `npm run cluster`. */
import { wardsBelow } from '../processes.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import type { Engines } from './engines.ts';
import type { Line } from './network.ts';

export interface Stage {
  readonly cluster: Cluster;
  readonly engines: Engines;
  readonly natsServers: number;
  /** Lines of the nodes by name, if they have any. */
  readonly lines: ReadonlyMap<string, Line>;
}

interface Verb {
  readonly what: string;
  readonly onNode?: (node: ClusterNode, stage: Stage) => unknown;
  /** @param index of the server of NATS */
  readonly onNats?: (index: number, stage: Stage) => unknown;
  readonly onPostgres?: (stage: Stage) => unknown;
  /** On the S3-compatible store, which keeps its objects in memory: so it is never killed. */
  readonly onMoto?: (stage: Stage) => unknown;
}

const paused = new Map<number | 'moto', Disposable>();

export const verbs: Readonly<Record<string, Verb>> = {
  kill: {
    what: 'end it at once (SIGKILL; of PostgreSQL: without a checkpoint)',
    onNode: ({ ward }) => ward.kill(),
    onNats: (index, { engines }) => engines.nats.kill(index),
    onPostgres: ({ engines }) => engines.postgres.crash(),
  },
  start: {
    what: 'start it again',
    onNode: (node) => (node.isRunning ? undefined : node.start()),
    onNats: (index, { engines }) => engines.nats.restart(index),
    onPostgres: ({ engines }) => engines.postgres.start(),
  },
  stop: { what: 'stop a node in order (SIGTERM)', onNode: (node) => node.stop() },
  freeze: {
    what: 'let it stand still (SIGSTOP)',
    onNode: (node) => signal(node, 'SIGSTOP'),
    onNats: (index, { engines }) => void paused.set(index, engines.nats.pause(index)),
    onMoto: ({ engines }) => void paused.set('moto', engines.moto.pause()),
  },
  thaw: {
    what: 'let it go on (SIGCONT)',
    onNode: (node) => signal(node, 'SIGCONT'),
    onNats: (index) => paused.get(index)?.[Symbol.dispose](),
    onMoto: () => paused.get('moto')?.[Symbol.dispose](),
  },
  cut: {
    what: 'take a node off the network (with --netns)',
    onNode: ({ name }, { lines }) => lineOf(name, lines).cut(),
  },
  join: { what: 'put it back', onNode: ({ name }, { lines }) => lineOf(name, lines).join() },
};

/** Does what a line says, such as `kill node-1`. @throws Error with what is wrong with the line */
export async function obey(line: string, stage: Stage): Promise<string> {
  const [word = '', target = ''] = line.trim().split(/\s+/);
  const verb = verbs[word];
  if (verb === undefined) throw new Error(`unknown: ${word}. Words: ${Object.keys(verbs).join(', ')}`);
  const [, number] = /^nats-(\d+)$/.exec(target) ?? [];
  const index = Number(number) - 1;
  if (number !== undefined && verb.onNats !== undefined && index >= 0 && index < stage.natsServers)
    await verb.onNats(index, stage);
  else if (target === 'postgres' && verb.onPostgres !== undefined) await verb.onPostgres(stage);
  else if (target === 'moto' && verb.onMoto !== undefined) await verb.onMoto(stage);
  else if (verb.onNode !== undefined && stage.cluster.nodes.some(({ name }) => name === target))
    await verb.onNode(stage.cluster.node(target), stage);
  else throw new Error(`${word}: there is no ${target === '' ? 'target' : target} for it`);
  return `done: ${word} ${target}`;
}

/** Signals the processes of a node itself, not those of its sandboxes. */
export function signal(node: ClusterNode, name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const { pid } of wardsBelow(node.ward.pid)) process.kill(pid, name);
}

function lineOf(name: string, lines: Stage['lines']): Line {
  const line = lines.get(name);
  if (line === undefined) throw new Error(`${name} is on the machine's network; start with --netns`);
  return line;
}
