/**
 * Namespaces with low limits, whose clients ask every node for more than the limits allow. Each node counts for itself
 * and allows its share. A node that dies forgets its count, so one more share can get through, and no more.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Run, Violation } from '../chaos/evidence.ts';
import { ranInNode } from '../chaos/tally.ts';
import type { Ward } from '../ward.ts';
import type { ClusterNode } from './cluster.ts';

/** A call that was let in, in epoch milliseconds. */
export interface Admitted {
  readonly sentAt: number;
  readonly at: number;
}

export interface LimitEvidence {
  /** Nodes that take calls. */
  readonly nodes: number;
  /** Runs of the namespace with a limit of concurrent calls. */
  readonly runs: readonly Run[];
  /** Calls of the namespace with a limit for each minute. */
  readonly admitted: readonly Admitted[];
  /** When sandboxes were killed, and when a node lost its count or its clock jumped. */
  readonly kills: readonly number[];
  readonly resets: readonly number[];
}

export const limits = { concurrent: 6, perMinute: 30 };
/** Each run of the first namespace takes at least so long after it was counted. */
export const holdMs = 1500;
const faults = { concurrent: 'TOO_MANY_CONCURRENT', perMinute: 'TOO_MANY_PER_MINUTE' };
const minuteMs = 60_000;
const clients = { concurrent: 12, perMinute: 3 };
const refusedMs = 500;
const prefix = 'limited-';
const code = `${ranInNode}
exports.main = async ({ marker, ms }) => {
  if (ms > 0) await ran(marker);
  await new Promise((done) => setTimeout(done, ms));
};`;

export function isLimited({ marker }: Run): boolean {
  return marker.startsWith(prefix);
}

export class LimitedClients {
  readonly admitted: Admitted[] = [];
  /** Number of calls that were refused for each limit. */
  readonly refused: Record<keyof typeof limits, number> = { concurrent: 0, perMinute: 0 };
  readonly #ward: () => Ward;
  readonly #clients: readonly Promise<void>[];
  #isOver = false;
  #count = 0;

  private constructor(ward: () => Ward, keys: Readonly<Record<keyof typeof limits, string>>) {
    this.#ward = ward;
    this.#clients = (['concurrent', 'perMinute'] as const).flatMap((limit) =>
      Array.from({ length: clients[limit] }, () => this.#goOn(limit, keys[limit])),
    );
  }

  /** @param ward chooses a node */
  static async start(first: ClusterNode, ward: () => Ward): Promise<LimitedClients> {
    const make = async (name: string, flag: string, limit: number) => {
      const { key } = JSON.parse(await first.operate('namespace', 'create', name, '-o', 'json'));
      await first.operate('namespace', 'limits', name, flag, String(limit));
      const options = {
        auth: key,
        limits: { memory: 128, concurrency: clients.concurrent, timeout: 20_000 },
      };
      const { status } = await first.ward.deploy('held', code, options);
      if (status !== 200) throw new Error(`the action held was not deployed: ${status}`);
      return key as string;
    };
    const concurrent = await make('narrow', '--concurrent', limits.concurrent);
    const perMinute = await make('slow', '--invocations-per-minute', limits.perMinute);
    return new LimitedClients(ward, { concurrent, perMinute });
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #goOn(limit: keyof typeof limits, key: string): Promise<void> {
    while (!this.#isOver) {
      const sentAt = Date.now();
      const payload = { marker: `${prefix}${++this.#count}`, ms: limit === 'concurrent' ? holdMs : 0 };
      const answer = await this.#ward()
        .invoke('held', payload, key)
        .catch(() => undefined);
      const isAdmitted = answer !== undefined && answer.status < 300;
      if (isAdmitted && limit === 'perMinute') this.admitted.push({ sentAt, at: Date.now() });
      if (answer?.headers.get('x-ward-fault') === faults[limit]) this.refused[limit]++;
      if (!isAdmitted) await pause(refusedMs);
    }
  }
}

/** Where more was let in than the limits and one node's share allow. Counts only what is certain. */
export function exceeded({ nodes, runs, admitted, kills, resets }: LimitEvidence): readonly Violation[] {
  const found: Violation[] = [];
  const blame = (what: string) => found.push({ rule: 'a limit was exceeded', what });
  const most = mostAtOnce(runs, kills);
  const concurrent = limits.concurrent + shareOf(limits.concurrent, nodes);
  if (most > concurrent) blame(`${most} calls at once, at most ${concurrent} may be`);
  for (const [minute, count] of countsByMinute(admitted)) {
    const from = minute * minuteMs;
    const lost = resets.filter((at) => at >= from && at < from + minuteMs).length;
    const allowed = limits.perMinute + Math.max(1, lost) * shareOf(limits.perMinute, nodes);
    if (count > allowed) blame(`${count} calls in one minute, at most ${allowed} may be`);
  }
  return found;
}

function mostAtOnce(runs: readonly Run[], kills: readonly number[]): number {
  const events = runs.flatMap(({ at = 0 }): (readonly [at: number, change: number])[] => {
    const ends = [at + holdMs, ...kills.filter((kill) => kill >= at)];
    return [
      [at, 1],
      [Math.min(...ends), -1],
    ];
  });
  events.sort(([one, up], [other, down]) => one - other || up - down);
  let now = 0;
  let most = 0;
  for (const [, change] of events) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

/** Calls that began and ended in the same minute. */
function countsByMinute(admitted: readonly Admitted[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { sentAt, at } of admitted) {
    const minute = Math.floor(at / minuteMs);
    if (Math.floor(sentAt / minuteMs) === minute) counts.set(minute, (counts.get(minute) ?? 0) + 1);
  }
  return counts;
}

function shareOf(limit: number, nodes: number): number {
  return Math.ceil(limit / nodes);
}
