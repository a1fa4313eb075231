/**
 * An invoker that was taken over: the attacker has its certificate, its key and its place on the bus. Everything goes to
 * the real bus and the real API nodes of the cluster, and says nothing that could change them if it got through.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type BusAddresses, type BusIdentity, type BusProbe, openBusProbe } from '../bus/index.ts';
import type { ClusterDoor, NodeIdentity } from '../cluster/index.ts';
import { loadWire, type Wire } from '../dispatch/index.ts';
import { randomHex } from '../lib/index.ts';

/** What the attacker starts with. */
export interface TakenNode {
  readonly identity: NodeIdentity;
  readonly shown: BusIdentity;
  readonly bus: { readonly addresses: BusAddresses; readonly cluster: string };
  /** The way to an API node. Undefined: its address was not given. */
  readonly api: TakenWay | undefined;
  /** The token with which the node has joined. Undefined: it was not given. */
  readonly token: string | undefined;
}

export interface TakenWay {
  readonly door: ClusterDoor;
  /** The status of the answer to a GET. @param proof shows which node asks */
  get(path: string, proof: string): Promise<number>;
}

type Subjects = ReturnType<Wire['subjectsOf']>;
type Message = Parameters<Wire['encodeMessage']>[0];

/** The bus, as the attacker sees it. */
export interface TakenBus extends AsyncDisposable {
  readonly probe: BusProbe;
  readonly subjects: Subjects;
  /** The node's own name, that of an API node, and that of another invoker. */
  readonly self: string;
  readonly api: string;
  readonly other: string;
  /**
   * Asks the API node whether a job may begin that it has never sent. The answer also shows that this node is heard.
   * @throws Error without an answer
   */
  mayBegin(activationId: string): Promise<boolean>;
  /** Says something to the API node in the node's own name. */
  tellApi(message: Omit<Message, 'tail' | 'attempt'>): Promise<void>;
  /** What API nodes have said about that activation, by type. */
  heardAbout(activationId: string): readonly string[];
}

/** Each node reports twice a second. */
const listenMs = 1_500;
const answerMs = 5_000;
const stepMs = 20;

/** @throws Error when the bus does not let the node in, or no API node is heard */
export async function openTakenBus({ identity, shown, bus }: TakenNode, user?: string): Promise<TakenBus> {
  await using stack = new AsyncDisposableStack();
  const { encodeMessage, newReader, senderOf, subjectsOf } = await loadWire();
  const probe = stack.use(await openBusProbe(bus.addresses, shown, user));
  const subjects = subjectsOf(bus.cluster);
  const { name: self } = identity;
  const names = await namesHeard(probe, subjects, senderOf);
  // A bus that stops nothing lets this node report as one, too.
  const api = names.api.find((name) => name !== self);
  if (api === undefined) throw new Error('no API node is heard on the bus');
  const heard: { readonly activationId: string; readonly type: string; readonly mayBegin: boolean }[] = [];
  const readers = new Map<string, ReturnType<Wire['newReader']>>();
  const toSelf = subjects.invoker(self, '*');
  const refused = await probe.hear(toSelf, (bytes, subject) => {
    const reader = readers.get(subject) ?? newReader();
    readers.set(subject, reader);
    const message = reader.read(bytes);
    if (message === undefined) return;
    const { type, activationId, head } = message;
    heard.push({ type, activationId, mayBegin: head['mayBegin'] === true });
  });
  if (refused !== undefined) throw new Error(`the node can't even hear its own jobs: ${refused}`);
  const tellApi: TakenBus['tellApi'] = async (message) => {
    for (const frame of encodeMessage({ ...message, attempt: 1, tail: Buffer.alloc(0) })) {
      const refusal = await probe.say(subjects.api(api, self), frame);
      if (refusal !== undefined) throw new Error(`the node can't even speak in its own name: ${refusal}`);
    }
  };
  const opened = stack.move();
  return {
    ...{ probe, subjects, self, api, tellApi },
    other: names.invoker.find((name) => name !== self) ?? `ward-prove-${randomHex(4)}`,
    async mayBegin(activationId) {
      await tellApi({ type: 'begin', activationId, head: {} });
      for (let waitedMs = 0; waitedMs < answerMs; waitedMs += stepMs) {
        const answer = heard.find((each) => each.type === 'begin' && each.activationId === activationId);
        if (answer !== undefined) return answer.mayBegin;
        await delay(stepMs);
      }
      throw new Error(`the API node ${api} does not answer`);
    },
    heardAbout: (activationId) =>
      heard.flatMap((each) => (each.activationId === activationId ? [each.type] : [])),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Kind = Parameters<Subjects['report']>[0];

async function namesHeard(
  probe: BusProbe,
  subjects: Subjects,
  senderOf: Wire['senderOf'],
): Promise<Readonly<Record<Kind, readonly string[]>>> {
  const heard = { api: new Set<string>(), invoker: new Set<string>() };
  for (const kind of ['api', 'invoker'] as const)
    await probe.hear(subjects.report(kind, '*'), (_, subject) => {
      const name = senderOf(subject);
      if (name !== undefined) heard[kind].add(name);
    });
  await delay(listenMs);
  return { api: [...heard.api], invoker: [...heard.invoker] };
}
