/**
 * Updates the advisories at the configured interval, in a process of its own: downloads and imports take no memory
 * and no time of the server. The gate notices the new file itself.
 */
import { fileURLToPath } from 'node:url';
import { type Log, messageOf, runCommand } from '../../lib/index.ts';
import { keepLease, type LeaseStore } from '../../store/index.ts';
import type { Config } from '../config/config.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { type LastUpdate, readLastUpdate } from './last-update.ts';

export interface AdvisoryUpdatesOptions {
  readonly config: Pick<Config, 'dataDir' | 'advisories'>;
  readonly log: Log;
  /** Present when several servers share their advisories: one of them updates at a time. */
  readonly leases?: LeaseStore | undefined;
  /** Replaces the process in tests. */
  readonly run?: (signal: AbortSignal) => Promise<void>;
  /** Epoch milliseconds. */
  readonly clock?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

const intervals = { hourly: 3_600_000, daily: 86_400_000 };
/** Spreads the updates of servers that started at the same moment. */
const spread = 0.1;
/** Delay of an overdue update after a start. */
const lateSpreadMs = 60_000;
const longestMs = 6 * 3_600_000;
const program = fileURLToPath(new URL('./update-program.ts', import.meta.url));

export function startAdvisoryUpdates(options: AdvisoryUpdatesOptions): AsyncDisposable {
  const { config, log, leases, clock = Date.now, random = Math.random } = options;
  const { update: interval } = config.advisories;
  if (interval === 'off') return { [Symbol.asyncDispose]: async () => {} };
  const path = gatePaths(config.dataDir).advisories;
  const run = options.run ?? ((signal: AbortSignal) => runProgram(config, signal));
  const ending = new AbortController();
  const { signal } = ending;
  let working: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const work = async () => {
    const before = readLastUpdate(path)?.endedAt;
    try {
      await run(signal);
      const last = readLastUpdate(path);
      if (last?.endedAt !== before) tell(log, last);
    } catch (error) {
      if (!signal.aborted) log.error({ reason: messageOf(error) }, 'advisories could not be updated');
    }
    plan(clock());
  };
  /** Where servers share their advisories: unless another one updates now, or has done so since `last`. */
  const workInTurn = async (leases: LeaseStore, last: number) => {
    await using keeper = keepLease({ leases, name: 'advisories-update', log });
    const isMine = await keeper.held().then(
      (lease) => lease !== undefined,
      () => false,
    );
    if (lastUpdate() > last) plan(undefined);
    else if (isMine) await work();
    else startIn(lateSpreadMs, last);
  };
  const lastUpdate = () => Date.parse(readLastUpdate(path)?.endedAt ?? '') || 0;
  const startIn = (delay: number, last: number) => {
    if (signal.aborted) return;
    timer = setTimeout(() => {
      working = leases === undefined ? work() : workInTurn(leases, last);
    }, delay).unref();
  };
  const plan = (triedAt: number | undefined) => {
    const last = lastUpdate();
    const since = Math.max(triedAt ?? 0, last);
    startIn(
      delayUntilNext({ intervalMs: intervals[interval], last: since, now: clock(), random: random() }),
      last,
    );
  };
  plan(undefined);
  return {
    async [Symbol.asyncDispose]() {
      ending.abort(new Error('Ward is being stopped'));
      clearTimeout(timer);
      await working;
    },
  };
}

/**
 * The first update starts at once: without it, the gate of a fresh install has no advisories.
 * @param last epoch milliseconds of the last update, 0 for none
 */
export function delayUntilNext(given: {
  readonly intervalMs: number;
  readonly last: number;
  readonly now: number;
  readonly random: number;
}): number {
  const { intervalMs, now, random } = given;
  if (given.last === 0) return 0;
  // A clock that was set back must not delay the next update.
  const last = Math.min(given.last, now);
  const due = last + intervalMs * (1 + (random - 0.5) * 2 * spread);
  return due > now ? due - now : random * lateSpreadMs;
}

async function runProgram({ dataDir, advisories }: AdvisoryUpdatesOptions['config'], signal: AbortSignal) {
  const words = [process.execPath, '--max-old-space-size=512', program];
  const argv = ['nice', '-n', '10', ...words, JSON.stringify({ dataDir, advisories })];
  // Passes on only what the program needs: no secrets, and no files of the operator.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WARD_')));
  const { code, stderr } = await runCommand(argv, { env, signal, timeoutMs: longestMs });
  signal.throwIfAborted();
  if (code !== 0) throw new Error(stderr.trim().slice(-1000) || `it ended with ${code}`);
}

function tell(log: Log, last: LastUpdate | undefined): void {
  const failed = last?.failed ?? [];
  if (failed.length > 0) log.warn({ failed }, 'some sources of advisories could not be updated');
  else log.info('advisories are up to date');
}
