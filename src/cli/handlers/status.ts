/**
 * `ward status`: whether the server accepts calls, as it reports itself; for the operator of this machine also its
 * nodes, its queue and its certificates, as the database has them.
 */
import type { JsonObject } from '../../lib/index.ts';
import type { CertificateView, NodeList, StatusView } from '../../server/index.ts';
import { certificateState, certificateText } from '../certificate-text.ts';
import type { Context, Handler } from '../command-spec.ts';
import { objectOf, textOf, timeText } from '../entity-fields.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';
import { aloneText, differencesOf, namesText, queueText } from './nodes.ts';

interface Part {
  readonly name: string;
  readonly state: string;
  readonly since: string;
  readonly meaning: string;
}

const busyExitCode = 7;

export const status: Handler = async (input, context) => {
  const client = await context.client();
  const data = await client.sendForObject({
    method: 'GET',
    root: '',
    path: ['ping'],
    query: { ready: true },
    accepts: [503],
    isPublic: true,
  });
  const isReady = data['ready'] === true;
  const machine = await ofThisMachine(input, context);
  await context.io.list<Part>({
    items: [
      callsOf(isReady),
      recordsOf(objectOf(data['recording'])),
      diskOf(textOf(data['disk'])),
      ...(data['bus'] === undefined ? [] : [busOf(textOf(data['bus']))]),
      ...(machine === undefined ? [] : [nodesPart(machine), ...gatePart(machine), queuePart(machine)]),
      ...(machine?.certificates ?? []).map(certificatePart),
    ],
    data: { ...data, ...machine },
    columns: [
      { title: 'part', cell: ({ name }) => name },
      { title: 'state', cell: ({ state }) => state },
      { title: 'since', cell: ({ since }) => since },
      { title: 'meaning', cell: ({ meaning }) => meaning },
    ],
    name: ({ name }) => name,
  });
  return isReady ? 0 : busyExitCode;
};

/**
 * Undefined for the server of another machine, and for users who may not read this one's database.
 * @throws Fault when the user has named a folder that can't be read
 */
async function ofThisMachine(input: Input, { settings }: Context): Promise<StatusView | undefined> {
  const isNamed = input.has('data') || input.has('config');
  if (!isNamed && settings().apihost.source !== 'this machine') return undefined;
  try {
    const { viewStatus } = await openServer();
    return await viewStatus(localOptions(input));
  } catch (error) {
    if (isNamed) throw error;
    return undefined;
  }
}

/** The line of the nodes. */
export function nodesPart({ nodes, alone }: Pick<NodeList, 'nodes' | 'alone'>): Part {
  const count = (state: string) => nodes.filter((node) => node.state === state).length;
  const counts = ['ready', 'draining', 'silent'].map((state) => `${count(state)} ${state}`);
  const state = count('silent') > 0 ? 'silent' : count('ready') > 0 ? 'ready' : 'draining';
  const keeping = nodes.filter(({ figures }) => (figures?.invoker?.sandboxesLeft ?? 0) > 0);
  const left = `; ended sandboxes can’t be removed on ${namesText(keeping.map(({ name }) => name))}`;
  const lonely = alone.length > 0 ? `; ${aloneText(alone)}` : '';
  const meaning = `${counts.join(', ')}${keeping.length > 0 ? left : ''}${lonely}`;
  return { name: 'nodes', state, since: '-', meaning };
}

/** Only when nodes differ. */
function gatePart(list: NodeList): readonly Part[] {
  const differences = differencesOf(list);
  if (differences.length === 0) return [];
  return [{ name: 'gate', state: 'differs', since: '-', meaning: differences.join('. ') }];
}

function queuePart({ queue }: NodeList): Part {
  return {
    name: 'queue',
    state: queue.waiting > 0 ? 'waiting' : 'empty',
    since: '-',
    meaning: `accepted calls: ${queueText(queue)}`,
  };
}

function certificatePart(view: CertificateView): Part {
  const meaning = certificateText(view);
  return { name: 'certificate', state: certificateState(view), since: '-', meaning };
}

function callsOf(isReady: boolean): Part {
  const meaning = isReady ? 'the server accepts calls' : 'the server refuses calls for now';
  return { name: 'calls', state: isReady ? 'ready' : 'refused', since: '-', meaning };
}

function recordsOf(recording: JsonObject): Part {
  const { state, since, error } = recording;
  if (state !== 'failing')
    return { name: 'records', state: textOf(state), since: '-', meaning: 'records are written to the disk' };
  const meaning = `no records can be written (${textOf(error)}): check the log, and the disk of the data folder`;
  return { name: 'records', state: 'failing', since: timeText(since), meaning };
}

function busOf(state: string): Part {
  const meanings: Readonly<Record<string, string>> = {
    up: 'the node hears others',
    alone: 'other nodes hear invokers, and this one hears none: check the routes between the servers of NATS',
    down: 'the node reaches no invoker: check NATS, and the log',
  };
  return { name: 'bus', state, since: '-', meaning: meanings[state] ?? '' };
}

function diskOf(state: string): Part {
  const meanings: Readonly<Record<string, string>> = {
    ample: 'more space is free than the reserve',
    short: 'tenants can’t write until more space is free',
    critical: 'tenants can’t write or call until more space is free',
  };
  return { name: 'disk', state, since: '-', meaning: meanings[state] ?? '' };
}
