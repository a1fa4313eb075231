/** One Ward from its first to its last start, through its faults, with the evidence of what it did. */

import { writeFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { halfMade } from '../kill/check.ts';
import { leftOvers, processesOf } from '../left-overs.ts';
import { Ward } from '../ward.ts';
import { readDatabase } from './database.ts';
import type { Evidence } from './evidence.ts';
import { deployFunctions, functionMiB, silenceAlarm } from './functions.ts';
import { blockingWaitMs, Load, type LoadPlan } from './load.ts';
import { LoadedSite } from './loaded-site.ts';
import type { Edit, Orders } from './preload.ts';
import { preloadEnv } from './preloading.ts';
import type { SmallDisk } from './small-disk.ts';
import { Tally } from './tally.ts';

const memoryMiB = 1536;
/** Greatest number of sandboxes of the load's actions at once. */
export const slots = memoryMiB / functionMiB;

/** Settings of a server under load. */
export const loadConfig = {
  logLevel: 'warn',
  invoker: { prewarm: [], memoryMiB, keepAliveMs: 1500, freezeAfterMs: 100 },
  limits: {
    ...{ invocationsPerMinute: 1_000_000, concurrentInvocations: 1000, firesPerMinute: 1_000_000 },
    blockingWaitMs,
  },
};
const tickMs = 20;

export interface SiteOptions {
  readonly load: LoadPlan;
  readonly config?: object;
  /** Disk of its data folder; by default a new folder. */
  readonly disk?: SmallDisk | undefined;
  readonly edits?: readonly Edit[];
  /** Time limit for each expected event. */
  readonly patienceMs?: number | undefined;
}

export class Site extends LoadedSite {
  readonly slots = slots;
  readonly dataDir: string;
  /** The server that serves now. */
  readonly #present: { ward: Ward };
  readonly #options: SiteOptions;
  readonly #said: (() => string)[];

  private constructor(options: SiteOptions, dataDir: string, first: Started, deployed: Deployed) {
    const tally = new Tally(first.ward.instance);
    // The clients call at once.
    const present = { ward: first.ward };
    super(
      tally,
      new Load(
        options.load,
        () => present.ward,
        () => tally.runs,
        deployed,
      ),
      options.patienceMs,
    );
    this.#present = present;
    this.#options = options;
    this.dataDir = dataDir;
    this.#said = [first.said];
  }

  static async open(options: SiteOptions): Promise<Site> {
    const dataDir = options.disk?.folder ?? (await mkdtemp(join(tmpdir(), 'ward-chaos-')));
    // Sandboxes must reach it.
    if (options.disk === undefined) await chmod(dataDir, 0o755);
    const first = await start(options, dataDir);
    return new Site(options, dataDir, first, await deployFunctions(first.ward));
  }

  get ward(): Ward {
    return this.#present.ward;
  }

  /** Starts the next server, after the last one has ended in any way. */
  async startAgain(): Promise<void> {
    const { ward, said } = await start(this.#options, this.dataDir);
    this.#present.ward = ward;
    this.#said.push(said);
  }

  /** Starts a server that takes over from the running one. */
  async handOver(): Promise<void> {
    const old = this.ward;
    const { ward, said } = await start(this.#options, this.dataDir, ['--take-over']);
    this.#said.push(said);
    this.#present.ward = ward;
    const code = await old.ended();
    if (code !== 0) this.complaints.push(`a hand-over ended the old one with exit code ${code}`);
  }

  /** Stops it as an operator does. */
  async stop(): Promise<void> {
    const code = await this.ward.stop();
    if (code === 0) return;
    const why = this.output()
      .split('\n')
      .filter((line) => /"level":"fatal"|not stopped after|^error\[|^(?:why|try): /.test(line));
    this.complaints.push(`a stop gave exit code ${code}: ${why.slice(-6).join(' ').slice(0, 2000)}`);
  }

  /** Waits until no process of its sandboxes is left: those of a dead server end by themselves. */
  async untilGone(): Promise<void> {
    await this.until(
      () => processesOf(this.ward.instance).length === 0,
      'sandboxes of a dead server are left',
    );
  }

  get disk(): SmallDisk {
    if (this.#options.disk === undefined) throw new Error('the site has no disk of its own');
    return this.#options.disk;
  }

  /** Waits, unless the server ends first. */
  async during(orders: Orders, ms: number): Promise<void> {
    this.order(orders);
    const until = performance.now() + ms;
    while (performance.now() < until && !this.ward.hasEnded())
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    this.order({});
  }

  /** Gives orders to the server and its keeper, which obey within a moment. */
  order(orders: Orders): void {
    writeFileSync(this.pathOf(ordersFile), JSON.stringify(orders));
  }

  /** Everything that its processes have written. */
  output(): string {
    return this.#said.map((said) => said()).join('\n');
  }

  /** Path in the data folder, as this process sees it. */
  pathOf(...names: string[]): string {
    return this.#options.disk?.path(...names) ?? join(this.dataDir, ...names);
  }

  /** Waits until every accepted call has ended, stops the server, and collects the evidence. */
  async finish(): Promise<Evidence> {
    await this.load.end();
    await silenceAlarm(this.ward);
    await this.#settle().catch((error: Error) => this.complaints.push(error.message));
    await this.stop();
    const kept = await this.#database();
    const left = await this.#leftBehind();
    return { ...this.soFar(), ...kept, left: [...left, ...this.complaints] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tally[Symbol.dispose]();
    await this.ward.kill().catch(() => {});
    await this.load.end().catch(() => {});
    if (this.#options.disk === undefined) await rm(this.dataDir, { recursive: true, force: true });
  }

  async #settle(): Promise<void> {
    await this.untilAllEnded(this.ward);
    // SQLite in this process can't see a separate disk while it is in use.
    const isEmpty = async () => (await this.#database()).queued.length === 0;
    if (this.#options.disk === undefined) await this.until(isEmpty, 'the queue stays full', 200);
  }

  async #database(): ReturnType<typeof readDatabase> {
    if (this.#options.disk === undefined) return readDatabase(this.pathOf('state/ward.db'));
    const copy = await mkdtemp(join(tmpdir(), 'ward-chaos-'));
    try {
      await cp(this.pathOf('state'), copy, { recursive: true });
      return await readDatabase(join(copy, 'ward.db'));
    } finally {
      await rm(copy, { recursive: true });
    }
  }

  async #leftBehind(): Promise<readonly string[]> {
    const found = Object.entries({ ...leftOvers(this.ward), ...(this.#options.disk && { mounts: [] }) });
    const there = found
      .filter(([, each]) => each.length > 0)
      .map(([name, each]) => `${name}: ${each.join(' ')}`);
    const half = await halfMade(this.pathOf());
    return [...there, ...half.map((path) => `half-made: ${path}`)];
  }
}

type Deployed = Awaited<ReturnType<typeof deployFunctions>>;
type Started = Awaited<ReturnType<typeof Ward.startSaying>>;

/** In a folder that the server can read and write. */
export const ordersFile = 'work/chaos.json';

async function start(options: SiteOptions, dataDir: string, flags: readonly string[] = []): Promise<Started> {
  const env = preloadEnv({ orders: join(dataDir, ordersFile), edits: options.edits ?? [] });
  const merged = { ...loadConfig, ...options.config };
  return await Ward.startSaying(merged, dataDir, undefined, { mountsOf: options.disk?.pid, flags, env });
}
