/** Kills a server again and again while it works, and checks its promises after each start. */
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { leftOvers, nothing, processesOf } from '../left-overs.ts';
import { randomOf } from '../random.ts';
import { startWard, Ward } from '../ward.ts';
import { checkLedger, halfMade } from './check.ts';
import { type Answered, type Ledger, newLedger } from './ledger.ts';
import { deployAll, load } from './load.ts';

export interface KillOptions {
  readonly kills: number;
  /** Seed for the times of the kills. */
  readonly seed: number;
  readonly onKill?: (kills: number, answered: Answered) => void;
}

const many = { invocationsPerMinute: 1_000_000, concurrentInvocations: 1000, firesPerMinute: 1_000_000 };
const config = { invoker: { prewarm: [], memoryMiB: 1024, keepAliveMs: 1000 }, limits: many };
/** A working server is killed after up to this number of answers, however long they take. */
const mostAnswers = 300;
/** Time within which a starting server is killed too. */
const earlyShare = 0.1;
const startMs = 1500;
const settleMs = 30_000;

/** @throws Error at the first thing that is lost or left behind */
export async function killOverAndOver({ kills, seed, onKill }: KillOptions): Promise<Answered> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-kill-'));
  // Sandboxes must reach it.
  await chmod(folder, 0o755);
  const dataDir = join(folder, 'data');
  const random = randomOf(seed);
  const ledger = newLedger();
  try {
    for (let round = 0; round < kills; round++) {
      if (round > 0 && random() < earlyShare) await killStarting(dataDir, random() * startMs);
      else await killWorking(dataDir, 1 + random() * mostAnswers, ledger, round);
      onKill?.(round + 1, ledger.answered);
    }
    await checkEnd(dataDir, ledger);
    return ledger.answered;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function killWorking(dataDir: string, answers: number, ledger: Ledger, round: number): Promise<void> {
  const ward = await Ward.start(config, dataDir);
  let loading: Promise<void> = Promise.resolve();
  try {
    if (round === 0) await deployAll(ward);
    await checkLedger(ward, ledger);
    loading = load(ward, ledger, round);
    const enough = countOf(ledger) + answers;
    const isEnough = () => countOf(ledger) >= enough;
    await Promise.race([until(isEnough, () => 'the server has stopped answering', 1), loading]);
  } finally {
    await ward.kill();
    await loading;
  }
  await until(
    () => processesOf(ward.instance).length === 0,
    () => 'sandboxes of a dead server are left',
  );
  const { mounts } = leftOvers(ward);
  if (mounts.length > 0) throw new Error(`mounts of a dead server are left: ${mounts.join('\n')}`);
}

async function killStarting(dataDir: string, afterMs: number): Promise<void> {
  const child = startWard([
    'up',
    '--listen',
    '127.0.0.1:0',
    '--data',
    dataDir,
    '--config',
    join(dataDir, 'config.yaml'),
  ]);
  const gone = once(child, 'exit');
  await pause(afterMs);
  child.kill('SIGKILL');
  await gone;
}

/** Starts and stops a last time, and checks that everything exists and nothing is left over. */
async function checkEnd(dataDir: string, ledger: Ledger): Promise<void> {
  const ward = await Ward.start(config, dataDir);
  try {
    await checkLedger(ward, ledger);
    let left: string[] = [];
    const isClean = async () => {
      left = await halfMade(dataDir);
      return left.length === 0;
    };
    await until(isClean, () => `half-made: ${left.join(', ')}`);
  } finally {
    await ward.stop();
  }
  const found = JSON.stringify(leftOvers(ward));
  if (found !== JSON.stringify(nothing)) throw new Error(`left behind at the end: ${found}`);
}

function countOf({ answered }: Ledger): number {
  return Object.values(answered).reduce((sum, count) => sum + count, 0);
}

async function until(
  holds: () => boolean | Promise<boolean>,
  otherwise: () => string,
  everyMs = 50,
): Promise<void> {
  const deadline = performance.now() + settleMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await pause(everyMs);
  }
}
