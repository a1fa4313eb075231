/** Servers of Ward that are one cluster, as processes of this machine that can be killed, stopped and started again. */
import { randomBytes } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, runCommand } from '../../src/lib/index.ts';
import { runWard, type StartOptions, Ward } from '../ward.ts';
import type { EngineSettings } from './engines.ts';

/** How `ward up --role` names them. */
export const roles = ['all', 'api', 'invoker'] as const;
export type Role = (typeof roles)[number];

export interface NodePlan {
  readonly name: string;
  readonly role: Role;
  readonly settings: EngineSettings;
  /** More of its configuration, such as `invoker`. */
  readonly config?: object;
  /** For an invoker: addresses of API nodes. By default, that of the first node. */
  readonly join?: readonly string[];
  readonly start?: Pick<StartOptions, 'address' | 'port' | 'through' | 'env'>;
  /** Variables for its processes that depend on its data folder. */
  readonly envIn?: (dataDir: string) => NodeJS.ProcessEnv;
  /** Launcher of another checkout, which it runs. */
  readonly program?: string | undefined;
  /** Its data folder is on a disk of this size, in memory. */
  readonly diskMiB?: number | undefined;
}

/** Name of such a disk in the table of mounts. */
export const nodeDisk = 'ward-node';

export class Cluster implements AsyncDisposable {
  readonly #nodes: ClusterNode[] = [];
  readonly #folder: string;
  readonly #key = `one:${randomBytes(32).toString('base64')}\n`;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Starts the first node, which makes the tables and the namespace `guest`, and then the others at once.
   * @param admits invokers can join later
   */
  static async start(
    plans: readonly NodePlan[],
    admits = plans.some(({ role }) => role === 'invoker'),
  ): Promise<Cluster> {
    const folder = await mkdtemp(join(tmpdir(), 'ward-cluster-'));
    await chmod(folder, 0o711);
    await using stack = new AsyncDisposableStack();
    const cluster = stack.use(new Cluster(folder));
    const [first, ...others] = plans;
    if (first !== undefined) await cluster.add(first);
    if (admits) await cluster.#makeAuthority();
    const added = await Promise.allSettled(others.map((plan) => cluster.add(plan)));
    for (const each of added) if (each.status === 'rejected') throw each.reason;
    const order = plans.map(({ name }) => name);
    cluster.#nodes.sort((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
    stack.move();
    return cluster;
  }

  get nodes(): readonly ClusterNode[] {
    return this.#nodes;
  }

  /** @throws Error when there is no node of this name */
  node(name: string): ClusterNode {
    const found = this.#nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  }

  /** Starts a further node. The cluster must admit an invoker. */
  async add(plan: NodePlan): Promise<ClusterNode> {
    const first = this.#nodes[0];
    const node = await ClusterNode.make(plan, join(this.#folder, plan.name), this.#key, first);
    if (plan.role === 'invoker' && first !== undefined) {
      const { token } = JSON.parse(await first.operate('node', 'token', '--name', plan.name, '-o', 'json'));
      node.join = { urls: plan.join ?? [first.ward.url], token };
    }
    await node.start();
    this.#nodes.push(node);
    return node;
  }

  /** Lets the first node admit others. */
  async #makeAuthority(): Promise<void> {
    const [first] = this.#nodes;
    await first?.operate('cluster', 'init');
    await first?.stop();
    await first?.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    for (const node of this.#nodes) await node.unmount();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export class ClusterNode {
  readonly name: string;
  readonly role: Role;
  readonly dataDir: string;
  /** For an invoker: where it joins, and its permission. */
  join: { readonly urls: readonly string[]; readonly token: string } | undefined;
  /** The launcher for its next start and its commands; by default that of this checkout. */
  program: string | undefined;
  readonly #plan: NodePlan;
  readonly #said: (() => string)[] = [];
  #ward: Ward | undefined;

  private constructor(plan: NodePlan, dataDir: string) {
    this.#plan = plan;
    this.name = plan.name;
    this.role = plan.role;
    this.program = plan.program;
    this.dataDir = dataDir;
  }

  /** Makes its data folder, with the key of `guest` that the first node has made. */
  static async make(plan: NodePlan, dataDir: string, key: string, first?: ClusterNode): Promise<ClusterNode> {
    await mkdir(dataDir, { mode: 0o755 });
    const { diskMiB } = plan;
    if (diskMiB !== undefined)
      await mustRun(['mount', '-t', 'tmpfs', '-o', `size=${diskMiB}m,mode=0755`, nodeDisk, dataDir]);
    const needsKey = first !== undefined && plan.role !== 'invoker';
    if (needsKey) await copyFile(join(first.dataDir, guestKey), join(dataDir, guestKey));
    const node = new ClusterNode(plan, dataDir);
    await writeFile(node.#keyFile, key, { mode: 0o600 });
    if (plan.role === 'api') await mustRun(['chown', '-R', 'ward:ward', dataDir, node.#keyFile]);
    return node;
  }

  /** The server that runs, or ran last. */
  get ward(): Ward {
    if (this.#ward === undefined) throw new Error(`${this.name} was never started`);
    return this.#ward;
  }

  get isRunning(): boolean {
    return this.#ward?.hasEnded() === false;
  }

  async start(): Promise<void> {
    const { role, config, settings, start = {}, envIn } = this.#plan;
    // A server with a keeper gets such a priority, without which a busy machine lets nodes lose each other.
    const asUser = role === 'api' ? ['nice', '-n', '-10', ...setpriv] : [];
    const shared = role === 'invoker' ? {} : { ...settings, parameters: { keyFile: this.#keyFile } };
    const joining = this.join?.urls.flatMap((url) => ['--join', url]) ?? [];
    const { ward, said } = await Ward.startSaying(
      { ...shared, cluster: { node: this.name }, ...config },
      this.dataDir,
      this.program,
      {
        ...start,
        flags: [...(role === 'all' ? [] : ['--role', role]), ...joining],
        through: [...(start.through ?? []), ...asUser],
        env: {
          ...start.env,
          ...envIn?.(this.dataDir),
          ...(this.join && { WARD_JOIN_TOKEN: this.join.token }),
        },
      },
    );
    this.#ward = ward;
    this.#said.push(said);
  }

  /** Runs a command of the operator on this node, and returns what it prints. */
  async operate(...words: string[]): Promise<string> {
    const files = ['--data', this.dataDir, '--config', join(this.dataDir, 'config.yaml')];
    const { code, stdout, stderr } = await runWard([...words, ...files], { program: this.program });
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  /** Stops it as an operator does, and returns its exit code. */
  async stop(): Promise<number | null> {
    return await this.ward.stop();
  }

  /** Fills its disk, as another program would. It must have one of its own. */
  async fillDisk(): Promise<void> {
    // It ends when there is no space left.
    const words = ['if=/dev/zero', `of=${this.#ballast}`, 'bs=1M', 'conv=notrunc', 'oflag=append'];
    await runCommand(['dd', ...words]);
  }

  async emptyDisk(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  async unmount(): Promise<void> {
    if (this.#plan.diskMiB !== undefined) await mustRun(['umount', this.dataDir]);
  }

  /** Everything that its processes have written. */
  output(): string {
    return this.#said.map((said) => said()).join('\n');
  }

  get #ballast(): string {
    return join(this.dataDir, 'ballast');
  }

  /** Beside the data folder, which the server expects to be its own. */
  get #keyFile(): string {
    return `${this.dataDir}.keys`;
  }
}

const guestKey = 'guest.auth';
const setpriv = ['setpriv', '--reuid=ward', '--regid=ward', '--clear-groups', '--'];
