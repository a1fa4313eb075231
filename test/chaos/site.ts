/** One Ward from its first to its last start, through its faults, with the evidence of what it did. */

import { readFileSync, writeFileSync } from 'node:fs';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { halfMade } from '../kill/check.ts';
import { leftOvers, processesOf } from '../left-overs.ts';
import { Ward } from '../ward.ts';
import { readDatabase } from './database.ts';
import type { Evidence, Run } from './evidence.ts';
import { deployFunctions, functionMiB, silenceAlarm } from './functions.ts';
import { blockingWaitMs, Load, type LoadPlan } from './load.ts';
import type { Edit, Orders, Settings } from './preload.ts';
import type { SmallDisk } from './small-disk.ts';
import { Tally } from './tally.ts';

const memoryMiB = 1536;
/** Greatest number of sandboxes of the load's actions at once. */
export const slots = memoryMiB / functionMiB;

const config = {
  logLevel: 'warn',
  invoker: { prewarm: [], memoryMiB, keepAliveMs: 1500, freezeAfterMs: 100 },
  limits: {
    ...{ invocationsPerMinute: 1_000_000, concurrentInvocations: 1000, firesPerMinute: 1_000_000 },
    blockingWaitMs,
  },
};
const usualPatienceMs = 60_000;
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

export class Site {
  readonly dataDir: string;
  ward: Ward;
  readonly load: Load;
  readonly #options: SiteOptions;
  readonly #tally: Tally;
  readonly #said: (() => string)[];
  readonly #kills: number[] = [];
  /** Problems that do not belong to a single call. */
  readonly complaints: string[] = [];

  private constructor(options: SiteOptions, dataDir: string, first: Started, deployed: Deployed) {
    this.#options = options;
    this.dataDir = dataDir;
    this.ward = first.ward;
    this.#said = [first.said];
    this.#tally = new Tally(first.ward.instance);
    this.load = new Load(
      options.load,
      () => this.ward,
      () => this.#tally.runs,
      deployed,
    );
  }

  static async open(options: SiteOptions): Promise<Site> {
    const dataDir = options.disk?.folder ?? (await mkdtemp(join(tmpdir(), 'ward-chaos-')));
    // Sandboxes must reach it.
    if (options.disk === undefined) await chmod(dataDir, 0o755);
    const first = await start(options, dataDir);
    return new Site(options, dataDir, first, await deployFunctions(first.ward));
  }

  /** Starts the next server, after the last one has ended in any way. */
  async startAgain(): Promise<void> {
    const { ward, said } = await start(this.#options, this.dataDir);
    this.ward = ward;
    this.#said.push(said);
  }

  /** Starts a server that takes over from the running one. */
  async handOver(): Promise<void> {
    const old = this.ward;
    const { ward, said } = await start(this.#options, this.dataDir, ['--take-over']);
    this.#said.push(said);
    this.ward = ward;
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

  /** Waits for more answers. */
  async untilAnswers(count: number): Promise<void> {
    const enough = this.load.answers.length + count;
    await this.until(() => this.load.answers.length >= enough, 'the server has stopped answering');
  }

  /** Waits for this number of further runs. */
  async untilRuns(count: number): Promise<void> {
    const enough = this.#tally.runs.length + count;
    await this.until(() => this.#tally.runs.length >= enough, 'the server runs nothing');
  }

  /** Waits until an accepted call has just begun. */
  async untilAcceptedRuns(): Promise<void> {
    let seen = this.#tally.runs.length;
    const begins = () => {
      const fresh = this.#tally.runs.slice(seen);
      seen += fresh.length;
      return fresh.some(({ marker }) => marker.startsWith('accepted-'));
    };
    await this.until(begins, 'no accepted call runs', 1);
  }

  /** Waits until calls run again. */
  async untilServing(): Promise<void> {
    await this.untilRuns(10);
  }

  async until(holds: () => boolean | Promise<boolean>, otherwise: string, everyMs = tickMs): Promise<void> {
    const deadline = performance.now() + (this.#options.patienceMs ?? usualPatienceMs);
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(otherwise);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  get disk(): SmallDisk {
    if (this.#options.disk === undefined) throw new Error('the site has no disk of its own');
    return this.#options.disk;
  }

  runs(): readonly Run[] {
    return this.#tally.runs;
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

  /** The evidence that is known before the end. */
  soFar(): Pick<Evidence, 'answers' | 'runs' | 'kills'> {
    return { answers: this.load.answers, runs: this.#tally.runs, kills: this.#kills };
  }

  /** A process of its own, so that nothing can be prepared for it. */
  kill(pid: number): void {
    this.#kills.push(Date.now());
    process.kill(pid, 'SIGKILL');
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
    this.#tally[Symbol.dispose]();
    await this.ward.kill().catch(() => {});
    await this.load.end().catch(() => {});
    if (this.#options.disk === undefined) await rm(this.dataDir, { recursive: true, force: true });
  }

  /** Waits until every activation that a client knows of has a record, or is unknown. */
  async #settle(): Promise<void> {
    const ids = this.load.answers.flatMap(({ status, activationId }) =>
      status === 202 && activationId !== undefined ? [activationId] : [],
    );
    const lanes = Array.from({ length: 8 }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await this.#untilEnded(id);
    });
    await Promise.all(lanes);
    // SQLite in this process can't see a separate disk while it is in use.
    const isEmpty = async () => (await this.#database()).queued.length === 0;
    if (this.#options.disk === undefined) await this.until(isEmpty, 'the queue stays full', 200);
  }

  async #untilEnded(id: string): Promise<void> {
    const isOver = async () => {
      const { status, body } = await this.ward.request('GET', `/api/v1/namespaces/_/activations/${id}`);
      return status === 200 || (status === 404 && body.pending === undefined);
    };
    await this.until(isOver, `the activation ${id} has no end`);
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

/** A folder that the server can read and write. */
const ordersFile = 'work/chaos.json';
/** The server can't read the test's files, so it gets the code in its environment. */
const preload = module.stripTypeScriptTypes(readFileSync(new URL('./preload.ts', import.meta.url), 'utf8'));
const loader = `const { Script } = process.getBuiltinModule('node:vm');
  new Script(process.env.WARD_CHAOS_SCRIPT, { filename: 'chaos-preload' }).runInThisContext();`;
const nodeOptions = `--import=data:text/javascript,${encodeURIComponent(loader)}`;

async function start(options: SiteOptions, dataDir: string, flags: readonly string[] = []): Promise<Started> {
  const settings: Settings = { orders: join(dataDir, ordersFile), edits: options.edits ?? [] };
  const { NODE_OPTIONS } = process.env;
  Object.assign(process.env, {
    ...{
      NODE_OPTIONS: nodeOptions,
      WARD_CHAOS: JSON.stringify(settings),
      WARD_CHAOS_SCRIPT: `(() => {${preload}})()`,
    },
  });
  try {
    const merged = { ...config, ...options.config };
    return await Ward.startSaying(merged, dataDir, undefined, { mountsOf: options.disk?.pid, flags });
  } finally {
    delete process.env['WARD_CHAOS'];
    delete process.env['WARD_CHAOS_SCRIPT'];
    if (NODE_OPTIONS === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = NODE_OPTIONS;
  }
}
