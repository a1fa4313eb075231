/**
 * Starts other programs for the set-up: argument vectors only, quiet (their output goes to a log file and is shown
 * only on failure), as root where that is needed and possible.
 */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname } from 'node:path';

/** A step that can't be done, with what the user should do instead. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {{exitCode?: number, log?: string}} [options] exit code 2: only the user can continue
   */
  constructor(message, { exitCode = 1, log } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.log = log;
  }
}

/**
 * Exit code and stdout of a program; code 127 when it can't be started or takes more than 10 s.
 * @param {readonly string[]} argv
 * @returns {Promise<{code: number, stdout: string}>}
 */
export function probe(argv) {
  const [file, ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    let stdout = '';
    const finish = (code) => {
      clearTimeout(timer);
      resolve({ code, stdout });
    };
    child.stdout.on('data', (chunk) => {
      if (stdout.length < 65_536) stdout += chunk;
    });
    child.on('error', () => finish(127));
    child.on('close', (code) => finish(code ?? 127));
  });
}

/** The program of the current step, which gets signals. */
let running;
let stoppedBy;

/**
 * From now on a signal ends the program of the current step, and then this process: no later step starts. Otherwise
 * the program would continue alone, and a cancelled start would be done in part.
 */
export function endOnSignals() {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      stoppedBy = signal;
      if (running === undefined) process.exit(exitCodeOf(signal));
      if (running.canEnd) running.child.kill(signal);
      else
        process.stdout.write(`\n${signal}: stopping after the packages are installed, not in the middle …  `);
    });
  }
}

/** @param {NodeJS.Signals} signal */
function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}

/** Resolves to the exit code of a program, 127 when it does not start; after a signal, to that of the signal. */
async function runToEnd(argv, { canEnd = true, ...options }) {
  const [file, ...args] = argv;
  const child = spawn(file, args, options);
  running = { child, canEnd };
  const code = await new Promise((resolve) => {
    child.on('error', () => resolve(127));
    child.on('close', (exitCode, signal) => resolve(exitCode ?? exitCodeOf(signal)));
  });
  running = undefined;
  return stoppedBy === undefined ? code : exitCodeOf(stoppedBy);
}

/** Runs a program in place of this one: same streams, signals passed on. @param {readonly string[]} argv */
export function runInstead(argv, env) {
  return runToEnd(argv, { stdio: 'inherit', env });
}

/**
 * Runs a step's program with its output appended to `log`; throws a SetupError unless it exits with 0.
 * @param {readonly string[]} argv
 * @param {{log: string, env?: NodeJS.ProcessEnv, cwd?: string, canEnd?: boolean}} options `canEnd: false`: a signal
 *   does not reach it; its work must not be left half done.
 */
export async function runLogged(argv, { log, env = process.env, cwd, canEnd = true }) {
  mkdirSync(dirname(log), { recursive: true });
  appendFileSync(log, `$ ${argv.join(' ')}\n`);
  const fd = openSync(log, 'a');
  const options = { stdio: ['ignore', fd, fd], env, canEnd, ...(cwd ? { cwd } : {}) };
  const code = await runToEnd(argv, options).finally(() => closeSync(fd));
  if (stoppedBy !== undefined)
    throw new SetupError(`stopped by ${stoppedBy}; the next start continues from here`, { exitCode: code });
  if (code !== 0) throw new SetupError(`${argv.join(' ')}: exit ${code}`, { log });
}

/**
 * The words before a command that needs root: none for root, `sudo -n` if it works without asking; undefined when the
 * set-up can't become root.
 * @returns {readonly string[] | undefined}
 */
export function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/** @param {string} path */
export function startLog(path) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, '');
  return path;
}

/** The end of a log, for the terminal. @param {string} path */
export function tailOf(path) {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-40).join('\n');
}
