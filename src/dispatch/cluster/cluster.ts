/** Joins a process to the cluster: it reports about itself, hears others, sends them jobs, and runs theirs. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Fault, type Log, messageOf, randomHex } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import { dispatchFault } from '../faults.ts';
import { createAwakeClock } from '../nodes/awake-clock.ts';
import { DrainOrders } from '../nodes/drain-orders.ts';
import { Heartbeat } from '../nodes/heartbeat.ts';
import { Membership } from '../nodes/membership.ts';
import { mostKept, mostNamespaces, type NodeIdentity, type NodeReport } from '../nodes/node-report.ts';
import type { InvokerReport } from '../placement/types.ts';
import { RemoteJobs } from '../remote/remote-jobs.ts';
import { InvokerService } from '../service/invoker-service.ts';
import type { DrainOrder } from '../types.ts';
import { noActivation, protocol } from '../wire/frames.ts';
import { parseHead, plain } from '../wire/heads.ts';
import { Link } from '../wire/link.ts';
import type { Message } from '../wire/messages.ts';
import { anyone, nodeKinds, requireName, type Subjects, subjectsOf } from '../wire/subjects.ts';
import { type ChangeHints, createChangeHints } from './change-hints.ts';
import { createClusterDispatcher } from './cluster-dispatcher.ts';
import { ImageHints } from './image-hints.ts';
import { oneAttemptEach } from './one-attempt.ts';
import { RelayedCalls } from './relayed-calls.ts';
import type { Cluster, ClusterOptions, LocalInvoker } from './types.ts';

const tickMs = 100;
const defaultNameMs = 300;
const defaultDrainMs = 10_000;
/** What an invoker can run may change when the operator installs something. */
const abilitiesEveryMs = 60_000;

/**
 * Takes its name and hears who else is there, if the bus is up; otherwise once it is.
 * @throws Fault NODE_NAME_TAKEN, NODE_NAME_INVALID
 */
export async function joinCluster(options: ClusterOptions): Promise<Cluster> {
  const { bus, log, nameMs = defaultNameMs, drainMs = defaultDrainMs } = options;
  const invoker = options.invoker && oneAttemptEach(options.invoker);
  await using stack = new AsyncDisposableStack();
  const node = requireName(options.node);
  const subjects = subjectsOf(options.cluster);
  const self: NodeIdentity = { node, role: options.role, start: randomHex(8), version: options.version };
  const joinedAt = performance.now();
  const upMs = () => performance.now() - joinedAt;
  const clock = createAwakeClock(options.now ?? (() => performance.now()), tickMs);
  const { now, mayReadLate } = clock;
  const link = stack.use(new Link(bus, log, now));
  const remote = new RemoteJobs({ ...options, now, self, link, subjects });
  const orders = new DrainOrders(node);
  orders.know(options.orders ?? new Map());
  const isDrained = () => orders.own?.isDrained === true;
  const service =
    invoker && new InvokerService({ ...options, now, mayReadLate, invoker, isDrained, link, subjects });
  const abilities = invoker && stack.use(watchAbilities(invoker, log));
  let drainedAt: number | undefined;
  /** Another process has the name: this one must not speak under it. */
  let isTaken = false;
  const ended = Promise.withResolvers<Fault>();
  /** What is said to this node may be for another process with its name, until none has answered. */
  let isNamed = false;
  const report = (): NodeReport => ({
    ...self,
    ...{ protocol, upMs: upMs(), isLeaving: false },
    invoker: isNamed
      ? loadOf(invoker, abilities?.known(), drainedAt !== undefined || isDrained())
      : undefined,
    order: orders.own,
    judges: options.judges?.(),
    isAlone: options.isAlone?.() === true ? true : undefined,
    kept: invoker?.kept().slice(0, mostKept) ?? [],
    namespaces: [...(invoker?.namespaces() ?? [])].slice(0, mostNamespaces),
  });
  const heartbeat = stack.use(new Heartbeat({ link, subjects, report }));
  const images = new ImageHints({
    choose: (target) => options.directory.choose(target),
    send(to, names) {
      if (to === node) {
        for (const image of names) invoker?.prefetch({ image });
        return;
      }
      const message: Message = {
        ...{ type: 'fetch', activationId: noActivation, attempt: 0 },
        ...{ head: { images: [...names] }, tail: Buffer.alloc(0) },
      };
      link.send(subjects.invoker(to, node), message);
    },
  });
  /** It is chosen no more from the moment that its order is known here. */
  const hearOther = (of: NodeReport) => {
    const missing = orders.missingAt(of);
    if (of.invoker === undefined) return;
    if (missing !== undefined) link.send(subjects.invoker(of.node, node), drainMessage(missing));
    const isDraining = of.invoker.isDraining || missing?.isDrained === true;
    options.directory.hear(of.node, { ...of.invoker, isDraining });
    if (options.role !== 'invoker') images.heard(of.node, of.start);
  };
  const hearSelf = () => {
    const { invoker: own } = report();
    if (own !== undefined) options.directory.hear(node, own);
  };
  const ordered = () => {
    log.info({ node, ...orders.own }, 'the operator decided whether this node takes work');
    hearSelf();
    heartbeat.soon();
  };
  const members = new Membership({
    ...{ ...options, now, self, upMs },
    onReport(of, isNew) {
      if (isNew) heartbeat.soon();
      hearOther(of);
      service?.heard(of.node, of.start);
      relayed.heard(of.node);
    },
    onGone({ node: gone, start }, why) {
      options.directory.forget(gone);
      images.gone(gone);
      // Who is only silent may be heard again. Its jobs have clocks of their own.
      if (why !== 'silent') service?.left(gone, start);
      // The next process of a node may have got jobs already.
      if (why === 'left') remote.gone(gone);
      relayed.gone(gone, why === 'silent');
    },
    onSameName(isOurs) {
      if (isOurs) return heartbeat.soon();
      isTaken = true;
      ended.resolve(nameTaken(node));
      link[Symbol.dispose]();
    },
  });
  const relayed = new RelayedCalls({
    ...{ now, ownCalls: options.ownCalls, live: () => members.live(), isUp: () => link.isUp },
    send: (to, message) => void link.send(subjects.api(to, node), message),
  });
  const hints = stack.use(
    createChangeHints({ link, subject: subjects.all(node), onHint: options.onChanged ?? (() => {}) }),
  );
  const onOrder = (order: DrainOrder) => orders.take(order) && ordered();
  const ears = { ...options, self, link, subjects, remote, relayed, service, members, hints, onOrder };
  stack.use(listenToAll(ears));
  const tick = () => {
    // The others have heard nothing of this node meanwhile, and their clocks went on.
    if (clock.tick()) {
      heartbeat.soon();
      service?.beatSoon();
    }
    members.tick();
    remote.tick();
    relayed.tick();
    service?.tick();
    hearSelf();
  };
  tick();
  const timer = setInterval(tick, tickMs);
  stack.defer(() => clearInterval(timer));
  stack.use(bus.onState((state) => state === 'up' && heartbeat.soon()));
  heartbeat.beat();
  if (await bus.untilUp(nameMs)) {
    heartbeat.send();
    // Who has the name answers, and so does everyone who did not know this node.
    await delay(nameMs);
    if (isTaken) throw nameTaken(node);
  } else log.warn({ node }, 'the bus is down; this node goes on alone until it is up');
  stack.use(listenToOwn(ears));
  isNamed = true;
  hearSelf();
  heartbeat.send();
  const joined = stack.move();
  /** Returns the time by which the jobs have to be over. */
  const takeNoMore = () => {
    if (drainedAt === undefined) {
      drainedAt = now() + drainMs;
      service?.takeNoMore();
      hearSelf();
      heartbeat.send();
    }
    return drainedAt;
  };
  const subjectOfApi = () => members.live().find(({ role }) => role !== 'invoker')?.node;
  return {
    dispatcher: createClusterDispatcher({
      ...{ ...options, local: invoker, isDrained, remote, members, link, subjects, images },
    }),
    followElsewhere: (...following) => relayed.follow(...following),
    cancelElsewhere: (...of) => relayed.cancel(...of),
    nodes: () => members.live(),
    apiNodes: () => members.apiNodes,
    apiNodesBefore: () => members.apiNodesBefore,
    heard: () => [...(isTaken ? [] : [{ report: report(), ageMs: 0 }]), ...members.heard()],
    drain(known) {
      if (orders.know(known)) ordered();
      for (const of of members.live()) if (orders.missingAt(of) !== undefined) hearOther(of);
    },
    isUp: () => link.isUp,
    ended: ended.promise,
    counts: () => ({ ...link.counts, ignored: remote.ignored }),
    changed: () => hints.send(),
    violated(of) {
      const api = subjectOfApi();
      if (api !== undefined) service?.violated(api, of);
    },
    takeNoMore,
    async [Symbol.asyncDispose]() {
      await service?.drain(takeNoMore());
      remote.close();
      relayed.close();
      service?.close();
      heartbeat.send({ isLeaving: true });
      await joined.disposeAsync();
    },
  };
}

interface Ears extends Pick<ClusterOptions, 'bus'> {
  readonly self: NodeIdentity;
  readonly link: Link;
  readonly subjects: Subjects;
  readonly remote: RemoteJobs;
  readonly relayed: RelayedCalls;
  readonly service: InvokerService | undefined;
  readonly members: Membership;
  readonly hints: ChangeHints;
  readonly onOrder: (order: DrainOrder) => void;
}

/** Listens to what is said to all nodes. */
function listenToAll({ self, link, subjects, service, members, hints }: Ears): Disposable {
  using stack = new DisposableStack();
  for (const kind of nodeKinds)
    stack.use(
      link.listen(subjects.report(kind, anyone), (from, message) => members.take(kind, from, message)),
    );
  const hear = (from: string, message: Message) => {
    // It has told itself directly.
    if (from === self.node) return;
    if (message.type !== 'changed') service?.takeForAll(message);
    else if (self.role !== 'invoker') hints.take();
  };
  stack.use(link.listen(subjects.all(anyone), hear));
  return stack.move();
}

/** Listens to what is said to this node alone. */
function listenToOwn({ bus, self, link, subjects, remote, relayed, service, onOrder }: Ears): Disposable {
  const { node, role } = self;
  using stack = new DisposableStack();
  // An invoker gives no jobs, and has no right to hear answers.
  if (role !== 'invoker') {
    const toApi = (from: string, message: Message) => {
      if (!relayed.take(from, message)) remote.take(from, message);
    };
    stack.use(link.listen(subjects.api(node, anyone), toApi));
    const unheard = subjects.unheard(node, anyone, 0).replace(/\.0$/, `.${anyone}`);
    stack.use(
      bus.subscribe(unheard, ({ subject, isUnheard }) => {
        const [attempt, activationId] = subject.split('.').reverse();
        if (isUnheard) remote.unheard(activationId ?? '', Number(attempt));
      }),
    );
  }
  if (service !== undefined) {
    const toThis = (from: string, message: Message) => {
      if (message.type === 'drain') onOrder(parseHead('drain', message.head));
      else service.take(from, message);
    };
    stack.use(link.listen(subjects.invoker(node, anyone), toThis));
  }
  return stack.move();
}

function drainMessage(order: DrainOrder): Message {
  const head = plain({ isDrained: order.isDrained, at: order.at });
  return { type: 'drain', activationId: noActivation, attempt: 0, head, tail: Buffer.alloc(0) };
}

function loadOf(
  invoker: LocalInvoker | undefined,
  abilities: InvokerAbilities | undefined,
  isDraining: boolean,
): InvokerReport | undefined {
  if (invoker === undefined || abilities === undefined) return undefined;
  return { ...invoker.load(), abilities, isDraining };
}

/** Asks the invoker from time to time what it can run. */
function watchAbilities(invoker: LocalInvoker, log: Log) {
  let known: InvokerAbilities | undefined;
  const look = async () => {
    try {
      const found = await invoker.abilities();
      if (!isDeepStrictEqual(found, known)) known = found;
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'cannot find out what the invoker can run');
    }
  };
  const timer = setInterval(look, abilitiesEveryMs);
  timer.unref();
  void look();
  return { known: () => known, [Symbol.dispose]: () => clearInterval(timer) };
}

function nameTaken(node: string) {
  return dispatchFault('NODE_NAME_TAKEN', `another node of the cluster has the name ${node}`, {
    hint: 'give each node a name of its own: cluster.node, or WARD_NODE',
  });
}
