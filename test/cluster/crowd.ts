/**
 * Many namespaces whose triggers fire on all nodes at once, so that several nodes write records of the same namespaces
 * at the same time, each in an order of its own. The action of each rule is gone, so nothing runs.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { defaultLimits, Namespaces } from '../../src/functions/index.ts';
import { openPostgresStore } from '../../src/store/index.ts';
import type { Ward } from '../ward.ts';

const names = Array.from({ length: 6 }, (_, index) => `crowd-${index}`);
const betweenMs = 400;
const root = '/api/v1/namespaces/_';

export class Crowd {
  /** Number of times at which several nodes have each recorded firings in several namespaces. */
  bursts = 0;
  readonly #nodes: () => readonly Ward[];
  readonly #client: Promise<void>;
  #isOver = false;

  private constructor(nodes: () => readonly Ward[], keys: readonly string[]) {
    this.#nodes = nodes;
    this.#client = this.#goOn(keys);
  }

  /**
   * @param store URL of the database
   * @param nodes those that take calls now
   */
  static async start(store: string, first: Ward, nodes: () => readonly Ward[]): Promise<Crowd> {
    const keys = await makeNamespaces(store);
    for (const auth of keys) await makeRule(first, auth);
    return new Crowd(nodes, keys);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#client;
  }

  async #goOn(keys: readonly string[]): Promise<void> {
    while (!this.#isOver) {
      const recorded = await Promise.all(this.#nodes().map((node) => fireAll(node, keys)));
      if (recorded.filter((count) => count > 1).length > 1) this.bursts++;
      await pause(betweenMs);
    }
  }
}

async function makeNamespaces(url: string): Promise<readonly string[]> {
  await using store = await openPostgresStore({ url });
  const namespaces = new Namespaces(store, defaultLimits);
  const keys: string[] = [];
  for (const name of names) keys.push(await namespaces.create(name));
  return keys;
}

async function makeRule(ward: Ward, auth: string): Promise<void> {
  const ask = async (method: string, path: string, body?: object) => {
    const reply = await ward.request(method, `${root}/${path}`, { auth, ...(body && { body }) });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  };
  await ask('PUT', 'actions/gone', { exec: { kind: 'nodejs:24', code: 'const main = () => ({})' } });
  await ask('PUT', 'triggers/crowd', {});
  await ask('PUT', 'rules/crowd-rule', { trigger: '/_/crowd', action: '/_/gone' });
  await ask('DELETE', 'actions/gone');
}

/** Returns the number of firings that were recorded. */
async function fireAll(node: Ward, keys: readonly string[]): Promise<number> {
  const fire = (auth: string) =>
    node.request('POST', `${root}/triggers/crowd`, { auth, body: {} }).catch(() => undefined);
  const order = keys.map((key) => [Math.random(), key] as const).toSorted(([one], [other]) => one - other);
  const replies = await Promise.all(order.map(([, key]) => fire(key)));
  return replies.filter((reply) => reply?.status === 202).length;
}
