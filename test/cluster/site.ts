/** A cluster from its first to its last start, through its faults, with the evidence of what it did. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { testBucket } from '../../src/blobs/s3/moto.fixture.ts';
import { readPostgres } from '../chaos/database.ts';
import type { Evidence } from '../chaos/evidence.ts';
import { deployFunctions, functionMiB, silenceAlarm } from '../chaos/functions.ts';
import { Load, type LoadPlan } from '../chaos/load.ts';
import { LoadedSite } from '../chaos/loaded-site.ts';
import type { Edit, Orders } from '../chaos/preload.ts';
import { preloadEnv } from '../chaos/preloading.ts';
import { loadConfig } from '../chaos/site.ts';
import { Tally } from '../chaos/tally.ts';
import { leftOvers, processesOf } from '../left-overs.ts';
import { runWard, type Ward } from '../ward.ts';
import { Cluster, type ClusterNode, type NodePlan, type Role } from './cluster.ts';
import { Deploys } from './deploys.ts';
import { type Engines, startEngines } from './engines.ts';
import { type Links, openLinks } from './links.ts';

/** Memory of a node, which is room for four of the load's actions. */
const memoryMiB = 4 * functionMiB;
/** Of PostgreSQL's disk: a run needs less, and it takes a moment to fill. */
const diskMiB = 1024;
const nodes: readonly (readonly [name: string, role: Role])[] = [
  ['node-1', 'all'],
  ['node-2', 'all'],
  ['api-1', 'api'],
];

export interface ClusterSiteOptions {
  readonly load: LoadPlan;
  readonly natsServers: number;
  readonly edits?: readonly Edit[];
  /** No faults come. */
  readonly isCalm?: boolean;
  /** Time limit for each expected event. */
  readonly patienceMs?: number | undefined;
}

export class ClusterSite extends LoadedSite {
  readonly slots = memoryMiB / functionMiB;
  readonly cluster: Cluster;
  readonly engines: Engines;
  readonly natsServers: number;
  readonly deploys: Deploys;
  readonly #links: ReadonlyMap<string, Links>;
  readonly #isCalm: boolean;
  readonly #stack: AsyncDisposableStack;

  private constructor(options: ClusterSiteOptions, parts: Parts, stack: AsyncDisposableStack) {
    const { cluster, engines, links, deployed } = parts;
    const tally = new Tally(...cluster.nodes.map(({ ward }) => ward.instance));
    const anyWard = () => oneOf(cluster.nodes, Math.random).ward;
    super(tally, new Load(options.load, anyWard, () => tally.runs, deployed), options.patienceMs);
    this.cluster = cluster;
    this.engines = engines;
    this.natsServers = options.natsServers;
    this.deploys = new Deploys(anyWard);
    this.#links = links;
    this.#isCalm = options.isCalm ?? false;
    this.#stack = stack;
  }

  static async open(options: ClusterSiteOptions): Promise<ClusterSite> {
    await using stack = new AsyncDisposableStack();
    const engines = stack.use(
      await startEngines({ natsServers: options.natsServers, isDurable: true, diskMiB }),
    );
    const links = new Map<string, Links>();
    const plans: NodePlan[] = [];
    for (const [name, role] of nodes) {
      const own = stack.use(await openLinks(engines));
      links.set(name, own);
      const env = preloadEnv({ orders: ordersOf(name, engines), edits: options.edits ?? [] });
      const invoker = { ...loadConfig.invoker, memoryMiB };
      plans.push({
        ...{ name, role, settings: own.settings, start: { env } },
        config: { ...loadConfig, invoker },
      });
    }
    const cluster = stack.use(await Cluster.start(plans));
    const { ward } = oneOf(cluster.nodes, () => 0);
    const deployed = await deployFunctions(ward);
    const { status } = await ward.deploy('probe', 'const main = () => ({ isProbe: true })');
    if (status !== 200) throw new Error(`the action probe was not deployed: ${status}`);
    return new ClusterSite(options, { cluster, engines, links, deployed }, stack.move());
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

  /** Gives orders to a node, which obeys within a moment. */
  order({ name }: ClusterNode, orders: Orders): void {
    writeFileSync(ordersOf(name, this.engines), JSON.stringify(orders));
  }

  /** Kills a node, and waits until nothing of it is left. */
  async killNode({ ward }: ClusterNode): Promise<void> {
    this.kill(ward.pid);
    await ward.ended();
    await this.until(() => processesOf(ward.instance).length === 0, 'sandboxes of a dead node are left');
  }

  /** Stops a node as an operator does. */
  async stopNode(node: ClusterNode): Promise<void> {
    const code = await node.stop();
    if (code !== 0)
      this.complaints.push(`a stop of ${node.name} gave exit code ${code}: ${endOf(node.output())}`);
  }

  /** Waits until each node runs a call to its end, which may be behind many others in the queue. */
  async untilAllServe(): Promise<void> {
    for (const { name, ward } of this.cluster.nodes) {
      const before = this.tally.runs.length;
      let waits: string | undefined;
      let last: unknown;
      const serves = async () => {
        const path = `/api/v1/namespaces/_/activations/${waits}`;
        const asked = waits === undefined ? ward.invoke('probe') : ward.request('GET', path);
        const answer = await asked.catch((error: Error) => ({ status: 0, body: error.message }));
        last = answer.body?.response?.result ?? answer.body;
        if (answer.status === 202) waits = answer.body.activationId;
        else if (answer.body?.pending === undefined) waits = undefined;
        return answer.body?.response?.result?.isProbe === true;
      };
      const meanwhile = () => `${this.tally.runs.length - before} other calls have run`;
      const otherwise = () => `${name} does not serve again: ${JSON.stringify(last)}; ${meanwhile()}`;
      await this.until(serves, otherwise, 200);
    }
  }

  output(): string {
    return this.cluster.nodes.map((node) => node.output()).join('\n');
  }

  async finish(): Promise<Evidence> {
    await this.deploys.end();
    await this.load.end();
    const first = oneOf(this.cluster.nodes, () => 0);
    await silenceAlarm(first.ward);
    await this.#settle(first.ward).catch((error: Error) => this.complaints.push(error.message));
    this.complaints.push(
      ...this.deploys.complaints,
      ...(await this.#missingCode()),
      ...(await this.#fsck(first)),
    );
    for (const node of this.cluster.nodes) await this.stopNode(node);
    const kept = await readPostgres(this.engines.settings.store);
    return {
      ...this.soFar(),
      ...kept,
      isCalm: this.#isCalm,
      left: [...this.#leftBehind(), ...this.complaints],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tally[Symbol.dispose]();
    await Promise.all(this.cluster.nodes.map(({ ward }) => ward.kill().catch(() => {})));
    await this.deploys.end();
    await this.load.end().catch(() => {});
    await this.#stack.disposeAsync();
  }

  async #settle(ward: Ward): Promise<void> {
    await this.untilAllEnded(ward);
    const isEmpty = async () => (await readPostgres(this.engines.settings.store)).queued.length === 0;
    await this.until(isEmpty, 'the queue stays full', 200);
  }

  /** Code that an entity names and the store does not have. */
  async #missingCode(): Promise<readonly string[]> {
    const client = new pg.Client({ connectionString: this.engines.settings.store });
    await client.connect();
    try {
      const { rows } = await client.query<{ digest: string }>(
        'select distinct code_digest as digest from entities where code_digest is not null',
      );
      const there = (await this.engines.moto.keys('ward/code/')).join(' ');
      const missing = rows.filter(({ digest }) => !there.includes(digest.replace(/^sha256:/, '')));
      return missing.map(
        ({ digest }) => `code that an action names is missing: ${digest} (of ${testBucket})`,
      );
    } finally {
      await client.end();
    }
  }

  async #fsck({ dataDir }: ClusterNode): Promise<readonly string[]> {
    const words = ['fsck', '--data', dataDir, '--config', join(dataDir, 'config.yaml')];
    const { code, stdout, stderr } = await runWard(words);
    return code === 0 ? [] : [`ward fsck gave ${code}: ${stdout}${stderr}`.slice(0, 1000)];
  }

  #leftBehind(): readonly string[] {
    return this.cluster.nodes.flatMap(({ name, ward }) =>
      Object.entries(leftOvers(ward)).flatMap(([what, found]) =>
        found.length === 0 ? [] : [`${what} of ${name}: ${found.join(' ')}`],
      ),
    );
  }
}

interface Parts {
  readonly cluster: Cluster;
  readonly engines: Engines;
  readonly links: ReadonlyMap<string, Links>;
  readonly deployed: Awaited<ReturnType<typeof deployFunctions>>;
}

/** A file that servers can read. */
function ordersOf(name: string, { postgres }: Engines): string {
  return `${postgres.socket}.${name}.json`;
}

function oneOf<T>(all: readonly T[], random: () => number): T {
  const one = all[Math.floor(random() * all.length)];
  if (one === undefined) throw new Error('there is none to choose from');
  return one;
}

function endOf(text: string): string {
  return text.split('\n').slice(-6).join(' ').slice(0, 2000);
}
