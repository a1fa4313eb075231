/** A cluster of an older checkout under load, whose nodes are replaced by those of this one. */
import { availableParallelism, loadavg } from 'node:os';
import { readPostgres } from '../chaos/database.ts';
import type { Answer, Evidence, Kind } from '../chaos/evidence.ts';
import { deployFunctions, functionMiB, silenceAlarm } from '../chaos/functions.ts';
import { Load, type LoadPlan } from '../chaos/load.ts';
import { LoadedSite } from '../chaos/loaded-site.ts';
import { loadConfig } from '../chaos/site.ts';
import { Tally } from '../chaos/tally.ts';
import { leftOvers } from '../left-overs.ts';
import { Cluster, type ClusterNode, type NodePlan } from './cluster.ts';
import { type Engines, startEngines } from './engines.ts';
import { type Balancer, deployProbe, replaceNode, takingCalls } from './replace.ts';
import { busyLoad } from './spans.ts';

const memoryMiB = 8 * functionMiB;
/** Longer than the 2.75 s after which a node that is not heard is given up, so that its callers learn it. */
const blockingWaitMs = 5000;
const patienceMs = 120_000;
/** Fewer than in the runs with faults: a stop waits ten seconds for calls, and a busy machine needs longer. */
const load: LoadPlan = {
  clients: { accepted: 1, blocking: 1, sequence: 1, firing: 1, web: 1, fails: 1 },
  blockingWaitMs,
};
const sampleMs = 500;
/** Its actions fail. */
const failing: ReadonlySet<Kind> = new Set(['fails']);

export class UpgradeSite extends LoadedSite {
  readonly slots = memoryMiB / functionMiB;
  readonly cluster: Cluster;
  readonly #engines: Engines;
  readonly #balancer: Balancer;
  readonly #stack: AsyncDisposableStack;
  readonly #upgraded = new Set<ClusterNode>();
  readonly #timer = setInterval(() => this.#sample(), sampleMs);
  #busiest = 0;

  private constructor(
    parts: { cluster: Cluster; engines: Engines; balancer: Balancer; load: Load; tally: Tally },
    stack: AsyncDisposableStack,
  ) {
    super(parts.tally, parts.load, patienceMs);
    this.cluster = parts.cluster;
    this.#engines = parts.engines;
    this.#balancer = parts.balancer;
    this.#stack = stack;
  }

  /** @param program launcher of the older checkout */
  static async open(program: string): Promise<UpgradeSite> {
    await using stack = new AsyncDisposableStack();
    const engines = stack.use(await startEngines({ natsServers: 3, isDurable: true }));
    const { settings } = engines;
    const { invoker, limits } = loadConfig;
    const config = {
      ...loadConfig,
      invoker: { ...invoker, memoryMiB, keepAliveMs: 15_000 },
      limits: { ...limits, blockingWaitMs },
    };
    const plans: readonly NodePlan[] = [
      { name: 'node-1', role: 'all', settings, config, program },
      { name: 'node-2', role: 'all', settings, config, program },
      { name: 'api-1', role: 'api', settings, config, program },
    ];
    const cluster = stack.use(await Cluster.start(plans));
    const deployed = await deployFunctions(cluster.node('node-1').ward);
    await deployProbe(cluster.node('node-1'));
    const balancer: Balancer = { without: undefined };
    const tally = stack.use(new Tally(...cluster.nodes.map(({ ward }) => ward.instance)));
    const anyWard = () => {
      const serving = takingCalls(cluster).filter((node) => node !== balancer.without);
      const chosen = serving[Math.floor(Math.random() * serving.length)];
      if (chosen === undefined) throw new Error('no node serves');
      return chosen.ward;
    };
    const clients = new Load(load, anyWard, () => tally.runs, deployed);
    return new UpgradeSite({ cluster, engines, balancer, tally, load: clients }, stack.move());
  }

  /** Replaces a node by one of this checkout, as docs/cluster.md says. */
  async upgrade(node: ClusterNode): Promise<void> {
    const others = this.cluster.nodes.filter((each) => each !== node);
    await replaceNode(
      node,
      {
        ...{ cluster: this.cluster, load: this.load, balancer: this.#balancer },
        // Commands of the older version may refuse the database that the first new node has upgraded.
        operator: others.find((each) => this.#upgraded.has(each)) ?? others[0],
        until: (...how) => this.until(...how),
        runs: () => this.tally.runs,
        stop: (each) => this.#stop(each),
      },
      () => {
        node.program = undefined;
      },
    );
    this.#upgraded.add(node);
  }

  /** Answers of Ward's own to calls that an action could answer. */
  failed(): readonly Answer[] {
    return this.load.answers.filter(
      ({ kind, status, isOverload }) =>
        status === 0 || isOverload === true || (status >= 500 && !failing.has(kind)),
    );
  }

  /** The most processes that ran or waited for each processor, on the average of a minute. */
  get busiest(): number {
    return this.#busiest;
  }

  output(): string {
    return this.cluster.nodes.map((node) => node.output()).join('\n');
  }

  async finish(): Promise<Evidence> {
    await this.load.end();
    const { ward } = this.cluster.node('node-1');
    await silenceAlarm(ward);
    await this.untilAllEnded(ward).catch((error: Error) => this.complaints.push(error.message));
    const isEmpty = async () => (await readPostgres(this.#engines.settings.store)).queued.length === 0;
    await this.until(isEmpty, 'the queue stays full', 200).catch((error: Error) =>
      this.complaints.push(error.message),
    );
    for (const node of this.cluster.nodes) await this.#stop(node);
    const left = this.cluster.nodes.flatMap((node) =>
      Object.entries(leftOvers(node.ward)).flatMap(([what, all]) =>
        all.length === 0 ? [] : [`${what} of ${node.name}: ${all.join(' ')}`],
      ),
    );
    const kept = await readPostgres(this.#engines.settings.store);
    return {
      ...this.soFar(),
      ...kept,
      isCalm: this.#busiest <= busyLoad,
      left: [...left, ...this.complaints],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.load.end().catch(() => {});
    await this.#stack.disposeAsync();
  }

  #sample(): void {
    this.#busiest = Math.max(this.#busiest, (loadavg()[0] ?? 0) / availableParallelism());
  }

  async #stop(node: ClusterNode): Promise<void> {
    const code = await node.stop();
    if (code !== 0) this.complaints.push(`a stop of ${node.name} gave exit code ${code}`);
  }
}
