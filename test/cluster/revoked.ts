/**
 * An operator who replaces the key of a namespace again and again, and somebody who goes on with the old one at every
 * node: it must be refused a second later, and 30 seconds later by a node that can't read the database.
 */
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { defaultLimits, Namespaces } from '../../src/functions/index.ts';
import { openPostgresStore } from '../../src/store/index.ts';
import type { Violation } from '../chaos/evidence.ts';
import type { Ward } from '../ward.ts';
import { busyLoad, explainedMs, type FaultSpan } from './spans.ts';

/** The last time that a node accepted a key after its end, in epoch milliseconds. */
export interface LateUse {
  readonly via: string;
  readonly revokedAt: number;
  /** When it was sent: the node looked at the key later. */
  readonly sentAt: number;
  /** Processes that ran or waited for each processor. */
  readonly load: number;
}

const name = 'rotated';
const mostMs = 1000;
/** Without the database. */
const mostBlindMs = 30_000 + mostMs;
const askEveryMs = 150;
const betweenMs = 2000;

export class RevokedKeys {
  readonly uses: LateUse[] = [];
  /** Number of nodes that refused an old key which they had accepted before. */
  refused = 0;
  /** Number of refusals because the key could not be looked up. */
  stale = 0;
  readonly #store: string;
  readonly #nodes: () => readonly Ward[];
  readonly #client: Promise<void>;
  #isOver = false;

  private constructor(store: string, nodes: () => readonly Ward[], key: string) {
    this.#store = store;
    this.#nodes = nodes;
    this.#client = this.#goOn(key);
  }

  /**
   * @param store URL of the database
   * @param nodes those that take calls now
   */
  static async start(store: string, nodes: () => readonly Ward[]): Promise<RevokedKeys> {
    const key = await withNamespaces(store, (namespaces) => namespaces.create(name));
    return new RevokedKeys(store, nodes, key);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  async #goOn(first: string): Promise<void> {
    let key: string | undefined = first;
    while (!this.#isOver) {
      const old: string | undefined = key;
      const knowing = old === undefined ? [] : await this.#thatAccept(old);
      // A fault that begins now meets nodes that know the key.
      await pause(betweenMs);
      // A connection that breaks does not say whether the key was replaced.
      key = await withNamespaces(this.#store, (namespaces) => namespaces.rotateKey(name)).catch(
        () => undefined,
      );
      const revokedAt = Date.now();
      if (key !== undefined && old !== undefined)
        await Promise.all(knowing.map((ward) => this.#goOnWith(old, ward, revokedAt)));
    }
  }

  async #thatAccept(key: string): Promise<readonly Ward[]> {
    const asked = this.#nodes().map(async (ward) => ((await statusOf(ward, key)) === 200 ? ward : undefined));
    return (await Promise.all(asked)).filter((ward) => ward !== undefined);
  }

  /** Asks until the node knows that the key has ended. */
  async #goOnWith(key: string, ward: Ward, revokedAt: number): Promise<void> {
    let last: LateUse | undefined;
    let status = 0;
    while (!this.#isOver && status !== 401) {
      const sentAt = Date.now();
      status = await statusOf(ward, key);
      const load = (loadavg()[0] ?? 0) / availableParallelism();
      if (status === 200) last = { via: ward.instance, revokedAt, sentAt, load };
      if (status === 503) this.stale++;
      await pause(askEveryMs);
    }
    if (last !== undefined) this.uses.push(last);
    if (status === 401) this.refused++;
  }
}

/** The old keys that worked for too long. */
export function workedTooLong(uses: readonly LateUse[], spans: readonly FaultSpan[]): readonly Violation[] {
  return uses.flatMap(({ via, revokedAt, sentAt, load }) => {
    const lateMs = sentAt - revokedAt;
    const seeingMs = lateMs - explainedMs({ from: revokedAt, to: sentAt, via }, spans);
    if (load > busyLoad || (seeingMs <= mostMs && lateMs <= mostBlindMs)) return [];
    return [{ rule: 'a revoked key worked', what: `${via} accepted it after ${lateMs} ms` }];
  });
}

/** 0 without an answer. */
async function statusOf(ward: Ward, auth: string): Promise<number> {
  const reply = await ward.request('GET', '/api/v1/namespaces', { auth }).catch(() => undefined);
  return reply?.status ?? 0;
}

async function withNamespaces<T>(url: string, work: (namespaces: Namespaces) => Promise<T>): Promise<T> {
  await using store = await openPostgresStore({ url });
  return await work(new Namespaces(store, defaultLimits));
}
