/** A cluster from its first to its last start, through its faults, with the evidence of what it did. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readPostgres } from '../chaos/database.ts';
import { type Evidence, kinds, type Violation } from '../chaos/evidence.ts';
import type { Exercise } from '../chaos/exercise.ts';
import { deployFunctions, functionMiB, silenceAlarm } from '../chaos/functions.ts';
import { Load, type LoadPlan } from '../chaos/load.ts';
import { LoadedSite } from '../chaos/loaded-site.ts';
import type { Orders } from '../chaos/preload.ts';
import { ordersFile } from '../chaos/site.ts';
import { Tally } from '../chaos/tally.ts';
import { leftOvers, processesOf } from '../left-overs.ts';
import { runWard, type Ward } from '../ward.ts';
import { Clients } from './clients.ts';
import { Cluster, type ClusterNode, nodeDisk, type Role } from './cluster.ts';
import { type Engines, startEngines } from './engines.ts';
import { RecordWatch } from './late-records.ts';
import { LateRemovals } from './late-removals.ts';
import { exceeded, isLimited } from './limited.ts';
import type { Links } from './links.ts';
import { blockingWaitMs, memoryMiB, type PlanOptions, planNodes } from './plans.ts';
import { type Balancer, deployProbe, replaceNode, takingCalls, untilAllServe } from './replace.ts';
import { workedTooLong } from './revoked.ts';
import { Routes } from './routes.ts';
import { failedOutside } from './spans.ts';
import { missingCode } from './store-checks.ts';

/** Time limit for each expected event on a busy machine. */
const usualPatienceMs = 240_000;
/** It reads all images. */
const fsckMs = 300_000;
/** Of PostgreSQL's disk: a run needs less, and it takes a moment to fill. */
const diskMiB = 1024;
/** The load leaves a node that has so much of it unanswered, as a load balancer would. */
const mostAtNode = 0.6;

export interface ClusterSiteOptions extends PlanOptions {
  readonly load: LoadPlan;
  readonly natsServers: number;
  /** No faults come. */
  readonly isCalm?: boolean;
  /** Time limit for each expected event. */
  readonly patienceMs?: number | undefined;
  /** Code must be removed while it is deployed. */
  readonly needsRestored?: boolean;
  /** Each fault lasts so long, whatever its usual time is. */
  readonly spellMs?: number | undefined;
}

export class ClusterSite extends LoadedSite {
  readonly slots = memoryMiB / functionMiB;
  readonly cluster: Cluster;
  readonly engines: Engines;
  readonly natsServers: number;
  readonly routes: Routes;
  readonly #clients: Clients;
  readonly #recordWatch: RecordWatch;
  readonly #balancer: Balancer;
  readonly #resets: number[] = [];
  readonly #links: ReadonlyMap<string, Links>;
  readonly #options: ClusterSiteOptions;
  /** Calls that were in flight when faults began. */
  readonly #struck = { accepted: 0, blocking: 0 };
  /** What PostgreSQL has said about transactions that waited for each other. */
  #locked: readonly string[] = [];
  readonly #spans: { from: number; to: number; via?: string | undefined }[] = [];
  readonly #stack: AsyncDisposableStack;

  private constructor(options: ClusterSiteOptions, parts: Parts, stack: AsyncDisposableStack) {
    const { cluster, engines, links, deployed, balancer, anyWard } = parts;
    const tally = new Tally(...cluster.nodes.map(({ ward }) => ward.instance));
    const { spellMs = 0 } = options;
    const plan = { ...options.load, blockingWaitMs, spellMs };
    const load = new Load(plan, anyWard, () => tally.runs, deployed);
    super(tally, load, options.patienceMs ?? usualPatienceMs);
    this.cluster = cluster;
    this.engines = engines;
    this.natsServers = options.natsServers;
    this.routes = parts.routes;
    this.#clients = parts.clients;
    this.#recordWatch = new RecordWatch(engines.settings.store, load.answers);
    this.#links = links;
    this.#balancer = balancer;
    this.#options = options;
    this.#stack = stack;
  }

  static async open(options: ClusterSiteOptions): Promise<ClusterSite> {
    await using stack = new AsyncDisposableStack();
    const { natsServers } = options;
    const routes = stack.use(new Routes());
    const engines = stack.use(await startEngines({ natsServers, routes, isDurable: true, diskMiB }));
    const removals = new LateRemovals(engines.moto.url);
    const planned = { ...options, keeps: removals.keeps };
    const { plans, links } = await planNodes(engines, planned, (name) => cluster.node(name).ward.url);
    for (const each of links.values()) stack.use(each);
    const others = plans.filter(({ role }) => role !== 'invoker');
    const cluster = stack.use(await Cluster.start(others, options.hasInvoker));
    for (const plan of plans) if (plan.role === 'invoker') await cluster.add(plan);
    const { ward } = oneOf(cluster.nodes, () => 0);
    const deployed = await deployFunctions(ward);
    await deployProbe(oneOf(cluster.nodes, () => 0));
    const balancer: Balancer = { without: undefined };
    const served = () => takingCalls(cluster).filter((node) => node !== balancer.without);
    const anyWard: AnyWard = (shareAt = () => 0) => {
      const all = served();
      const free = all.filter(({ ward }) => shareAt(ward) < mostAtNode);
      return oneOf(free.length > 0 ? free : all, Math.random).ward;
    };
    const wards = () => served().map((node) => node.ward);
    const first = oneOf(cluster.nodes, () => 0);
    const clients = await Clients.start({ engines, first, ward: anyWard, wards, removals });
    const parts = { cluster, engines, routes, links, deployed, clients, balancer, anyWard };
    return new ClusterSite(options, parts, stack.move());
  }

  /** The time that a fault lasts. */
  spellMs(usualMs: number): number {
    return this.#options.spellMs ?? usualMs;
  }

  /** Chooses a node of this role. */
  node(role: Role, random: () => number): ClusterNode {
    return oneOf(
      this.cluster.nodes.filter((node) => node.role === role),
      random,
    );
  }

  linksOf({ name }: ClusterNode): Links {
    const links = this.#links.get(name);
    if (links === undefined) throw new Error(`${name} has no links`);
    return links;
  }

  /** Gives orders to a node, which obeys within a moment. A jump of its clock can begin another minute. */
  order({ dataDir }: ClusterNode, orders: Orders): void {
    this.#resets.push(Date.now());
    const file = join(dataDir, ordersFile);
    // A node of role `api` has not made it.
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(orders));
  }

  /**
   * Notes that a fault lasts while `work` goes on.
   * @param struck the fault explains only failures of calls to this node
   */
  async during(work: () => Promise<unknown>, struck?: ClusterNode): Promise<void> {
    this.#noteFlight();
    await this.#span(work, struck);
  }

  /**
   * Notes that a fault strikes this node alone while `work` goes on. It explains failures of calls to others only for a
   * moment after its beginning and its end, as a node that is not heard is given up, and gets no more.
   */
  async strike(node: ClusterNode, work: () => Promise<unknown>): Promise<void> {
    await this.during(async () => {});
    await this.#span(work, node);
    await this.#span(async () => {});
  }

  /** Kills a node, and waits until nothing of it is left. Callers of other nodes lose what ran on it. */
  async killNode({ ward }: ClusterNode): Promise<void> {
    this.#resets.push(Date.now());
    await this.during(async () => this.kill(ward.pid, ward.instance));
    await ward.ended();
    await this.until(() => processesOf(ward.instance).length === 0, 'sandboxes of a dead node are left');
  }

  /** Stops a node as an operator does. */
  async stopNode(node: ClusterNode): Promise<void> {
    this.#resets.push(Date.now());
    const code = await node.stop();
    if (code !== 0)
      this.complaints.push(`a stop of ${node.name} gave exit code ${code}: ${endOf(node.output())}`);
  }

  /** Restarts a node as an operator with a load balancer does: no call may fail. */
  async replaceNode(node: ClusterNode): Promise<void> {
    this.#noteFlight();
    await replaceNode(node, {
      ...{ cluster: this.cluster, load: this.load, balancer: this.#balancer },
      operator: takingCalls(this.cluster).find((each) => each !== node),
      until: (...how) => this.until(...how),
      runs: () => this.tally.runs,
      stop: (each) => this.stopNode(each),
    });
  }

  /** Shifts the clock of a node, and waits until a call begins at that time. */
  async shiftClock(node: ClusterNode, clockMs: number): Promise<void> {
    this.order(node, { clockMs });
    const isShifted = async () => {
      const { body } = await node.ward.invoke('probe');
      return Math.abs((body?.start ?? 0) - Date.now() - clockMs) < Math.abs(clockMs) / 4;
    };
    await this.until(isShifted, `the clock of ${node.name} does not jump`, 100);
  }

  /** Pushes a layer again before the bucket carries out its removal. */
  pushBeforeRemoval(): Promise<void> {
    return this.#clients.layers.pushBeforeRemoval((...how) => this.until(...how));
  }

  /** Waits until each node runs a call to its end. */
  untilAllServe(): Promise<void> {
    return untilAllServe({
      cluster: this.cluster,
      until: (...how) => this.until(...how),
      runs: () => this.tally.runs,
    });
  }

  /** Reads the log of PostgreSQL. */
  async noteDeadlocks(): Promise<void> {
    this.#locked = await this.engines.postgres.deadlocks();
  }

  override exercised(): readonly Exercise[] {
    const planned = kinds.filter((kind) => (this.#options.load.clients[kind] ?? 0) > 0);
    const ran = new Set(
      this.load.answers.flatMap((each) => (each.activationId === undefined ? [] : each.kind)),
    );
    const { accepted, blocking } = this.#struck;
    return [
      { what: 'kinds of calls', count: ran.size, least: planned.length },
      ...(this.#options.isCalm === true
        ? []
        : [
            { what: 'accepted calls in flight at a fault', count: accepted },
            { what: 'blocking calls in flight at a fault', count: blocking },
          ]),
      { what: 'further attempts of calls that ask for them', count: this.#moreAttempts(), least: 0 },
      ...this.#clients.exercised(this.#options.needsRestored === true),
      { what: 'records seen after their answers', count: this.#recordWatch.seen },
    ];
  }

  #moreAttempts(): number {
    const runs = this.tally.runs.filter(({ marker }) => marker.startsWith('retried-'));
    return runs.length - new Set(runs.map(({ activationId }) => activationId)).size;
  }

  output(): string {
    return this.cluster.nodes.map((node) => node.output()).join('\n');
  }

  async finish(): Promise<Evidence> {
    await this.#clients.end();
    await this.load.end();
    await this.#recordWatch.end();
    const first = oneOf(this.cluster.nodes, () => 0);
    await silenceAlarm(first.ward);
    await this.#settle(first.ward).catch((error: Error) => this.complaints.push(error.message));
    this.complaints.push(
      ...this.#clients.complaints,
      ...(await missingCode(this.engines)),
      ...(await this.#fsck(first)),
    );
    const wards = takingCalls(this.cluster).map(({ ward }) => ward);
    const lost = await this.#clients.lost(wards);
    for (const node of this.cluster.nodes) await this.stopNode(node);
    const kept = await readPostgres(this.engines.settings.store);
    await this.noteDeadlocks();
    return {
      ...this.soFar(),
      ...kept,
      isCalm: this.#options.isCalm === true,
      left: [...this.#leftBehind(), ...this.complaints],
      found: [
        ...failedOutside(this.load.answers, this.#spans),
        ...workedTooLong(this.#clients.revoked.uses, this.#spans),
        ...this.#recordWatch.late(this.#spans, super.soFar().kills),
        ...this.#found(),
        ...lost,
      ],
    };
  }

  /** Runs of namespaces with low limits are judged apart. */
  override soFar(): ReturnType<LoadedSite['soFar']> {
    const all = super.soFar();
    return { ...all, runs: all.runs.filter((run) => !isLimited(run)), found: this.#found() };
  }

  #found(): readonly Violation[] {
    const waited = this.#locked.map((what) => ({ rule: 'waited for each other', what }));
    return [...this.#exceeded(), ...this.#clients.found(), ...waited];
  }

  async #span(work: () => Promise<unknown>, struck?: ClusterNode): Promise<void> {
    const span = { from: Date.now(), to: Number.POSITIVE_INFINITY, via: struck?.ward.instance };
    this.#spans.push(span);
    await work();
    span.to = Date.now();
  }

  #noteFlight(): void {
    const { accepted, blocking } = this.load.inFlight();
    this.#struck.accepted += accepted;
    this.#struck.blocking += blocking;
  }

  #exceeded(): ReturnType<typeof exceeded> {
    return exceeded({
      nodes: takingCalls(this.cluster).length,
      runs: this.tally.runs.filter(isLimited),
      admitted: this.#clients.limited.admitted,
      kills: super.soFar().kills.map(({ at }) => at),
      resets: this.#resets,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tally[Symbol.dispose]();
    await Promise.all(this.cluster.nodes.map(({ ward }) => ward.kill().catch(() => {})));
    await this.#clients.end();
    await this.load.end().catch(() => {});
    await this.#recordWatch.end();
    await this.#stack.disposeAsync();
  }

  async #settle(ward: Ward): Promise<void> {
    await this.untilAllEnded(ward);
    const isEmpty = async () => (await readPostgres(this.engines.settings.store)).queued.length === 0;
    await this.until(isEmpty, 'the queue stays full', 200);
  }

  async #fsck({ dataDir }: ClusterNode): Promise<readonly string[]> {
    const words = ['fsck', '--data', dataDir, '--config', join(dataDir, 'config.yaml')];
    const { code, stdout, stderr } = await runWard(words, { timeoutMs: fsckMs });
    return code === 0 ? [] : [`ward fsck gave ${code}: ${stdout}${stderr}`.slice(0, 1000)];
  }

  #leftBehind(): readonly string[] {
    return this.cluster.nodes.flatMap(({ name, ward }) =>
      Object.entries(leftOvers(ward)).flatMap(([what, all]) => {
        const found = all.filter((each) => !each.startsWith(`${nodeDisk} `));
        return found.length === 0 ? [] : [`${what} of ${name}: ${found.join(' ')}`];
      }),
    );
  }
}

interface Parts {
  readonly cluster: Cluster;
  readonly engines: Engines;
  readonly routes: Routes;
  readonly links: ReadonlyMap<string, Links>;
  readonly deployed: Awaited<ReturnType<typeof deployFunctions>>;
  readonly clients: Clients;
  readonly balancer: Balancer;
  readonly anyWard: AnyWard;
}

/** Chooses a node, by the part of the clients that wait for each. */
type AnyWard = (shareAt?: (ward: Ward) => number) => Ward;

function oneOf<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('there is none to choose from');
  return one;
}

function endOf(text: string): string {
  return text.split('\n').slice(-6).join(' ').slice(0, 2000);
}
