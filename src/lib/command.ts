/**
 * The only place where Ward starts other programs: argument vectors, never a shell line; bounded output, time and
 * environment. Rooms describe what to run; this module runs it.
 */
import { type ChildProcess, type SerializationType, type StdioOptions, spawn } from 'node:child_process';
import { Fault } from './fault.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
  /** Descriptors passed on as 3, 4, … */
  readonly descriptors?: readonly number[];
  /** Bytes kept of each stream; the rest is dropped. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

/** Runs `argv` to its end. Never throws for an exit code; throws `COMMAND_FAILED` when it can't be started. */
export async function runCommand(
  argv: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const child = startCommand(argv, {
    stdio: ['pipe', 'pipe', 'pipe', ...(options.descriptors ?? [])],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const limit = options.maxOutputBytes ?? 1024 * 1024;
  const stdout = collect(child.stdout, limit);
  const stderr = collect(child.stderr, limit);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input);
  const stop = () => child.kill('SIGKILL');
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(stop, options.timeoutMs);
  if (options.signal?.aborted) stop();
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const [code, signal] = await exitOf(child, argv);
    return { code, signal, stdout: stdout(), stderr: stderr() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', stop);
  }
}

/** Runs `argv` and throws `COMMAND_FAILED`, with its output, unless it exits with 0. Returns its stdout. */
export async function mustRun(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, options);
  if (result.code === 0) return result.stdout;
  const said = (result.stderr.trim() || result.stdout.trim()).slice(-2000);
  throw new Fault(
    'COMMAND_FAILED',
    'host',
    `${argv.join(' ')}: exit ${result.code ?? result.signal}: ${said}`,
  );
}

interface StartOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly stdio: StdioOptions;
  /** Starts it in a session of its own, which signals of a terminal do not reach. */
  readonly detached?: boolean;
  /** Encoding of messages, if `stdio` has an `ipc`. */
  readonly serialization?: SerializationType;
}

/** Starts `argv` and returns the child process; the caller must end it. */
export function startCommand(argv: readonly string[], options: StartOptions): ChildProcess {
  const [file, ...args] = argv;
  if (file === undefined) throw new Fault('COMMAND_FAILED', 'bug', 'an empty argument vector');
  return spawn(file, args, { ...options, shell: false });
}

function exitOf(
  child: ChildProcess,
  argv: readonly string[],
): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new Fault('COMMAND_FAILED', 'host', `${argv[0]}: ${cause.message}`, { cause })),
    );
    child.once('close', (code, signal) => resolve([code, signal]));
  });
}

function collect(stream: NodeJS.ReadableStream | null, limit: number): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (size < limit) chunks.push(chunk.subarray(0, limit - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
