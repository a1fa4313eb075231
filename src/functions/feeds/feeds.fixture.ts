/**
 * The feeds on a real store, with the real triggers, rules, namespaces and vault, and a clock that the test sets.
 * Only the firing is a double: it records firings, and refuses them if the test says so.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JsonObject, silentLog } from '../../lib/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { PlainRef } from '../entities/entity-row.ts';
import { parseEntityName, parseNamespaceName } from '../entities/names.ts';
import { createParameterReads } from '../entities/parameter-reads.ts';
import { defaultLimits } from '../limits.ts';
import { type Identity, type NamespaceService, Namespaces } from '../namespaces/namespaces.ts';
import type { FireRequest } from '../triggers/firing.ts';
import { createRules } from '../triggers/rules.ts';
import { createTriggers } from '../triggers/triggers.ts';
import { createVault } from '../vault/vault.ts';
import { createFeeds, type FeedLimits, type Feeds } from './feeds.ts';

interface Fired {
  readonly trigger: string;
  readonly payload: JsonObject;
  /** ISO 8601, to the second. */
  readonly at: string;
}

export interface FeedBench extends AsyncDisposable {
  readonly store: Store;
  readonly namespaces: NamespaceService;
  readonly guest: Identity;
  /** `uuid:secret` of guest. */
  readonly key: string;
  readonly fired: Fired[];
  /** The clock jumps that Ward has detected, in milliseconds. */
  readonly jumps: readonly number[];
  /** What it throws is what firing throws. */
  refuse: (request: FireRequest) => void;
  feeds: Feeds;
  /** Restarts Ward on the same data. */
  restart(): void;
  /** The clock. */
  readonly now: () => number;
  set(time: string): void;
  /** Sets the clock as an operator does, without time passing. */
  jump(time: string): void;
  /** Sets the clock and fires what is due. Returns the firings since the last call, as `trigger at`. */
  firedUntil(time: string): Promise<string[]>;
  addTrigger(name: string, namespace?: string): Promise<PlainRef>;
  addRule(name: string, trigger: string): Promise<void>;
  hasEntity(name: string): Promise<boolean>;
  /** Calls a feed action like a client. */
  call(feed: string, lifecycleEvent: string, triggerName: string, args?: JsonObject): Promise<JsonObject>;
  callAs(identity: Identity, feed: string, args: JsonObject): Promise<JsonObject>;
}

export function refTo(name: string, namespace = 'guest'): PlainRef {
  return { namespace: parseNamespaceName(namespace), name: parseEntityName(name) };
}

export async function startFeeds(start: string, limits: Partial<FeedLimits> = {}): Promise<FeedBench> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-feeds-'));
  const store = await openStore({ path: join(folder, 'ward.db') });
  const { entities } = store;
  const vault = createVault(() => [{ id: 'test', secret: Buffer.alloc(32, 7) }]);
  const namespaces = new Namespaces(store, defaultLimits);
  const key = await namespaces.create('guest');
  const guest = await namespaces.authenticate(`Basic ${Buffer.from(key).toString('base64')}`);
  const onChanged = () => {};
  const triggers = createTriggers({ entities, vault, limits: defaultLimits, onChanged });
  const rules = createRules({ entities, limits: defaultLimits, requireAction: async () => {}, onChanged });
  let clock = Date.parse(start);
  let seen = 0;
  const fired: Fired[] = [];
  const jumps: number[] = [];
  let passed = 0;
  const now = () => clock;

  const open = () =>
    createFeeds({
      feeds: store.feeds,
      triggers,
      rules,
      namespaces,
      vault,
      parameterReads: createParameterReads(store.unsealed),
      limits,
      now,
      elapsed: () => passed,
      onClockJump: (jumpMs) => jumps.push(jumpMs),
      log: silentLog,
      apiHost: () => 'https://ward.example',
      async fire(request) {
        await triggers.get(request.trigger);
        bench.refuse(request);
        const at = new Date(clock).toISOString().slice(0, 19);
        fired.push({ trigger: request.trigger.name, payload: request.payload, at });
        return { activationId: 'a'.repeat(32), isRecordLost: false };
      },
    });
  const bench: FeedBench = {
    store,
    namespaces,
    guest,
    key,
    fired,
    jumps,
    refuse: () => {},
    feeds: open(),
    restart() {
      bench.feeds = open();
    },
    now,
    set(time) {
      passed += Math.max(0, Date.parse(time) - clock);
      clock = Date.parse(time);
    },
    jump(time) {
      clock = Date.parse(time);
    },
    async firedUntil(time) {
      bench.set(time);
      await bench.feeds.fireDue();
      const news = fired.slice(seen).map(({ trigger, at }) => `${trigger} ${at}`);
      seen = fired.length;
      return news;
    },
    async addTrigger(name, namespace) {
      const trigger = refTo(name, namespace);
      await triggers.put(trigger, {}, false);
      return trigger;
    },
    async addRule(name, trigger) {
      await rules.put(refTo(name), { trigger: `/_/${trigger}`, action: '/_/a' }, false);
    },
    hasEntity: async (name) => (await entities.get('guest', name)) !== undefined,
    call: (feed, lifecycleEvent, triggerName, args = {}) =>
      bench.callAs(guest, feed, { lifecycleEvent, triggerName, authKey: key, ...args }),
    async callAs(identity, feed, args) {
      const action = bench.feeds.actions.find(({ path }) => path === feed);
      if (action === undefined) throw new Error(`no feed ${feed}`);
      return action.run(args, { identity, authorization: undefined, transactionId: 'test' });
    },
    async [Symbol.asyncDispose]() {
      await bench.feeds.close();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
  return bench;
}
