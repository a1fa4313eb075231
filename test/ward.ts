/**
 * A real Ward for end-to-end tests: the `ward up` that users start, as a process of its own, with a data folder
 * that is removed afterwards and a port that the kernel chose.
 */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import openwhisk from 'openwhisk';
import { stringify } from 'yaml';
import { runCommand, startCommand } from '../src/lib/index.ts';
import { freezerStatesOf } from './cgroups.ts';
import { clusterOf, keepOwnSettings, storeOf } from './engine-switch.ts';

export const launcher = fileURLToPath(new URL('../bin/ward.mjs', import.meta.url));
export const imagesDir = process.env['WARD_IMAGES'] ?? '/var/lib/ward/images';

/** Why end-to-end tests can't run here, or undefined. */
export function missingForSandboxes(): string | undefined {
  if (process.geteuid?.() !== 0) return 'needs root: sandboxes are made of namespaces, mounts and cgroups';
  if (!existsSync(join(imagesDir, 'index.json')))
    return `needs the runtime images in ${imagesDir}: npm start builds them`;
  return undefined;
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
  readonly body: any;
}

export interface RequestOptions {
  readonly body?: unknown;
  readonly auth?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StartOptions {
  /** A process whose mount namespace it runs in. */
  readonly mountsOf?: number | undefined;
  /** More arguments of `ward up`. */
  readonly flags?: readonly string[];
  /** A command that starts it: comes before its own command line. */
  readonly through?: readonly string[];
  /** Address on which it listens. */
  readonly address?: string;
  /** By default one that the kernel chooses. */
  readonly port?: number;
  /** Variables beside those of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

interface Started {
  readonly ward: Ward;
  readonly said: () => string;
}

export class Ward implements AsyncDisposable {
  /** Empty for an invoker, which listens nowhere. */
  readonly url: string;
  /** The key of `guest`; empty for an invoker. */
  readonly auth: string;
  readonly dataDir: string;
  readonly #child: ChildProcess;
  /** Runs its calls, in a run on a cluster. */
  #invoker: Ward | undefined;

  private constructor(url: string, auth: string, dataDir: string, child: ChildProcess) {
    this.url = url;
    this.auth = auth;
    this.dataDir = dataDir;
    this.#child = child;
  }

  /** Starts a Ward. Pass `dataDir` to continue a stopped one; `program` can be another checkout's. */
  static async start(config: object = {}, dataDir?: string, program?: string): Promise<Ward> {
    return (await Ward.startSaying(config, dataDir, program)).ward;
  }

  /** Like `start`, and also returns a function for all its output so far. */
  static async startSaying(
    config: object = {},
    dataDir?: string,
    program = launcher,
    options: StartOptions = {},
  ): Promise<Started> {
    const dir = dataDir ?? (await mkdtemp(join(tmpdir(), 'ward-e2e-')));
    if ('store' in config || options.flags?.includes('--role')) keepOwnSettings(dir);
    const settings = await clusterOf(dir);
    if (settings === undefined)
      return await Ward.#startOne(config, dir, program, {
        ...options,
        env: { ...(await storeOf(dir)), ...options.env },
      });
    const { mountsOf, through } = options;
    if (mountsOf !== undefined || through !== undefined)
      throw new Error('this is how one machine starts: tell it with onlyOneMachine()');
    const { prepareApiNode, startJoinedInvoker } = await import('./joined-invoker.ts');
    const node = await prepareApiNode(dir, settings, config);
    const { ward, said } = await Ward.#startOne({ ...config, ...node.config }, dir, program, {
      ...options,
      through: node.through,
      flags: [...node.flags, ...(options.flags ?? [])],
      env: { ...node.env, ...options.env },
    });
    const joined = await startJoinedInvoker(ward, config, settings, options).catch(async (error) => {
      await ward.stop();
      throw error;
    });
    ward.#invoker = joined.ward;
    return { ward, said: () => said() + joined.said() };
  }

  static async #startOne(
    config: object,
    dir: string,
    program: string,
    { mountsOf, flags = [], through = [], address = '127.0.0.1', port = 0, env: more = {} }: StartOptions,
  ): Promise<Started> {
    // The path as this process sees it.
    const folder = mountsOf === undefined ? dir : join(`/proc/${mountsOf}/root`, dir);
    mkdirSync(folder, { recursive: true });
    const configFile = join(dir, 'config.yaml');
    await writeFile(
      join(folder, 'config.yaml'),
      stringify({ logLevel: 'warn', invoker: { prewarm: [] }, ...config }),
    );
    const inside = mountsOf === undefined ? [] : ['nsenter', `--mount=/proc/${mountsOf}/ns/mnt`, '--'];
    const argv = [
      ...through,
      ...inside,
      process.execPath,
      program,
      'up',
      '--listen',
      `${address}:${port}`,
      '--data',
      dir,
      '--config',
      configFile,
      ...flags,
    ];
    const env = { ...outsideEnv(), ...more };
    const child = startCommand(argv, { stdio: ['ignore', 'pipe', 'pipe'], env });
    const said = collect(child);
    const url = await readyAddress(child).catch((error) => {
      throw new Error(`${error.message}: ${said()}`);
    });
    const auth = url === '' ? '' : (await readFile(join(folder, 'guest.auth'), 'utf8')).trim();
    return { ward: new Ward(url, auth, dir, child), said };
  }

  /** The process that a user would see and kill. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The same of the server that runs the calls. */
  get pidOfInvoker(): number {
    return (this.#invoker ?? this).#child.pid ?? 0;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<Reply> {
    const isText = typeof options.body === 'string' || options.body instanceof Uint8Array;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(options.auth ?? this.auth).toString('base64')}`,
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined
        ? {}
        : { body: isText ? (options.body as string) : JSON.stringify(options.body) }),
    });
    const text = await response.text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {}
    return { status: response.status, headers: response.headers, body };
  }

  /** Creates or replaces an action from source text. */
  async deploy(
    name: string,
    code: string,
    options: { kind?: string; limits?: object; auth?: string; exec?: object } = {},
  ): Promise<Reply> {
    const { kind = 'nodejs:24', limits = {}, exec = {}, auth } = options;
    return this.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, {
      body: { exec: { kind, code, ...exec }, limits },
      ...(auth === undefined ? {} : { auth }),
    });
  }

  invoke(name: string, payload: unknown = {}, auth?: string): Promise<Reply> {
    return this.request('POST', `/api/v1/namespaces/_/actions/${name}?blocking=true`, {
      body: payload,
      ...(auth === undefined ? {} : { auth }),
    });
  }

  /** Polls until the activation has ended. */
  async activation(id: string, auth?: string): Promise<Reply['body']> {
    for (let round = 0; ; round++) {
      const reply = await this.request(
        'GET',
        `/api/v1/namespaces/_/activations/${id}`,
        auth === undefined ? {} : { auth },
      );
      if (reply.status === 200) return reply.body;
      if (reply.status !== 200 && reply.status !== 404) throw new Error(`activation ${id}: ${reply.status}`);
      await pause(round);
    }
  }

  /** Polls until the condition holds; the test's time-out ends it. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let round = 0; !(await holds()); round++) await pause(round);
  }

  /** Freezer state of every sandbox of this server. */
  sandboxStates(): string[] {
    return freezerStatesOf(this.instance);
  }

  /** The name in cgroups and in /run/ward of the server that runs the calls. */
  get instance(): string {
    if (this.#invoker !== undefined) return this.#invoker.instance;
    return createHash('sha256').update(this.dataDir).digest('hex').slice(0, 12);
  }

  client(auth: string = this.auth) {
    return openwhisk({ apihost: this.url, api_key: auth });
  }

  /**
   * Runs a command against this server: in this process if it only talks to the server or works in its data folder, else
   * as a user would. While one works there, this process acts as the owner of the folder.
   */
  async cli(args: readonly string[], env: NodeJS.ProcessEnv = {}, timeoutMs?: number): Promise<CliResult> {
    const store = await storeOf(this.dataDir);
    const settings = { WARD_APIHOST: this.url, WARD_AUTH: this.auth, ...store, ...env };
    const { onlyTalks, runInFolder, runInProcess } = await import('../src/cli/in-process.fixture.ts');
    const talks = !args.includes('--data') && (await onlyTalks(args));
    if (talks) return runInProcess(args, { env: settingsOf(settings) });
    if (worksInDataFolder.includes(args[0] ?? ''))
      return runInFolder(args, { env: settingsOf(settings), cwd: process.cwd() });
    return runWard(args, { ...(timeoutMs && { timeoutMs }), env: settings });
  }

  /** Makes another namespace with the operator's command, and returns its key. */
  async createNamespace(name: string, limits: readonly string[] = []): Promise<string> {
    const created = await this.cli(['namespace', 'create', name, '--data', this.dataDir, '-o', 'json']);
    if (created.code !== 0) throw new Error(created.stderr);
    if (limits.length > 0) await this.setLimits(name, limits);
    return JSON.parse(created.stdout).key;
  }

  async setLimits(namespace: string, limits: readonly string[]): Promise<void> {
    const result = await this.cli(['namespace', 'limits', namespace, ...limits, '--data', this.dataDir]);
    if (result.code !== 0) throw new Error(result.stderr);
  }

  /** Lifts guest's limits, and waits until the server has noticed this write by another process. */
  async raiseLimits(): Promise<void> {
    await this.setLimits('guest', ['--invocations-per-minute', '1000000000', '--concurrent', '1000']);
    await this.until(async () => {
      const { body } = await this.request('GET', '/api/v1/namespaces/_/limits');
      return body.concurrentInvocations === 1000;
    });
  }

  hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits for its end, and returns its exit code. */
  async ended(): Promise<number | null> {
    if (!this.hasEnded()) await once(this.#child, 'exit');
    const code = await this.#invoker?.stop();
    return this.#child.exitCode || (code ?? this.#child.exitCode);
  }

  /** Stops it as an operator would, and returns its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.ended();
  }

  /** Kills it with `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#invoker?.kill();
    await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#invoker?.[Symbol.asyncDispose]();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

const worksInDataFolder = ['namespace', 'audit', 'advisories', 'console'];

/** Runs a command as a user would, with only the given settings. */
export async function runWard(
  args: readonly string[],
  {
    program = launcher,
    ...options
  }: {
    env?: NodeJS.ProcessEnv;
    input?: string | Buffer;
    cwd?: string;
    timeoutMs?: number;
    program?: string | undefined;
  } = {},
): Promise<CliResult> {
  const dataDir = args[args.indexOf('--data') + 1];
  const store = args.includes('--data') && dataDir !== undefined ? await storeOf(dataDir) : {};
  return runCommand([process.execPath, program, ...args], {
    timeoutMs: 110_000,
    ...options,
    env: settingsOf({ ...store, ...options.env }),
  });
}

/** The settings of this machine's user are not read. */
function settingsOf(env: NodeJS.ProcessEnv | undefined): NodeJS.ProcessEnv {
  return { ...outsideEnv(), WSK_CONFIG_FILE: '/nonexistent', ...env };
}

/** Pause between two polls, which would otherwise take the processor from the server. Long waits get longer ones. */
const pause = (round: number) => new Promise((resolve) => setTimeout(resolve, Math.min(5 + round, 40)));

/** Starts a command without waiting for its end: the caller must end it. */
export function startWard(args: readonly string[]): ChildProcess {
  return startCommand([process.execPath, launcher, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...outsideEnv(), WSK_CONFIG_FILE: '/nonexistent' },
  });
}

/** The environment of a shell outside the tests' namespaces, so that `ward` enters its own. */
export function outsideEnv(): NodeJS.ProcessEnv {
  const { WARD_MOUNT_NAMESPACE: _, ...env } = process.env;
  return env;
}

/** Returns a function for all output so far. Its log also appears in the output of the tests. */
function collect(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk;
    if (/"level":(?:"(?:warn|error|fatal)"|[456]0)/.test(String(chunk))) process.stderr.write(chunk);
  });
  return () => text;
}

async function readyAddress(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error('no stdout');
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const match = /^ready\b(?: invoker \S+|.*?(https?:\/\/\S+))/.exec(line);
    if (match !== null) {
      child.stdout.resume();
      return match[1] ?? '';
    }
  }
  throw new Error('ward up ended before it was ready');
}
