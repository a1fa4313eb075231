/**
 * The invokers that a dispatcher knows. It keeps an index of warm sandboxes and remembers the homes of groups, so it
 * looks only at a few of a thousand invokers when it chooses. The rules are in `choose.ts`.
 */
import { BoundedMap } from '../../lib/index.ts';
import type { InvokerAbilities } from '../abilities.ts';
import { mostBelieved } from './believed.ts';
import {
  type Candidates,
  canEver,
  homeCount,
  isHeard,
  isUsable,
  meanLoadOf,
  otherCount,
  rank,
  sampleOf,
  staleMs,
  warmCount,
} from './choose.ts';
import { groupHash } from './group-hash.ts';
import { homesOf } from './homes.ts';
import { type GroupIndex, KnownInvoker } from './known-invoker.ts';
import type { InvokerDirectory, InvokerReport, InvokerView, PlacementTarget, SentJob } from './types.ts';

interface DirectoryOptions {
  /** The node of the invoker in this process, if there is one. */
  readonly localNode?: string | undefined;
  /** Monotonic time in ms. */
  readonly now?: () => number;
  /** Differs between dispatchers, so that they do not all choose the same others. */
  readonly seed?: number;
}

/** Groups whose homes are remembered. */
const mostRemembered = 20_000;
/** Different abilities that are remembered. */
const mostAbilities = 1000;
/** More than are asked, because some of them may be full or slow at the moment. */
const rememberedHomes = homeCount * 2;
/** Invokers that were silent for so long are forgotten. */
const goneMs = staleMs * 4;
/** How long an average load is used. */
const meanForMs = 50;

export function createInvokerDirectory(options: DirectoryOptions = {}): InvokerDirectory {
  return new Directory(options);
}

class Directory implements InvokerDirectory {
  readonly #localNode: string | undefined;
  readonly #now: () => number;
  readonly #invokers = new Map<string, KnownInvoker>();
  readonly #idle = new InvokersByGroup();
  readonly #soonFree = new InvokersByGroup();
  readonly #homes = new BoundedMap<string, readonly KnownInvoker[]>(mostRemembered);
  readonly #intern = createInterning();
  #list: readonly KnownInvoker[] = [];
  #chance: number;
  #meanLoad = 0;
  #meanAt = Number.NEGATIVE_INFINITY;
  #sweptAt: number;

  constructor({ localNode, now = () => performance.now(), seed }: DirectoryOptions) {
    this.#localNode = localNode;
    this.#now = now;
    this.#chance = seed ?? Math.trunc(Math.random() * 2 ** 32);
    this.#sweptAt = now();
  }

  hear(node: string, heard: InvokerReport): void {
    this.#sweep();
    const report = this.#intern(heard);
    const known = this.#invokers.get(node);
    const isOther = known === undefined || hasOtherTraits(known.report, report);
    if (known) known.hear(report);
    else this.#invokers.set(node, this.#meet(node, report));
    if (isOther) this.#changeMembers();
  }

  forget(node: string): void {
    this.#invokers.get(node)?.forget();
    if (this.#invokers.delete(node)) this.#changeMembers();
  }

  views(): readonly InvokerView[] {
    return this.#list;
  }

  choose(target: PlacementTarget): readonly string[] {
    const hash = groupHash(target);
    const usable = (view: InvokerView) => isUsable(target, hash, view);
    const chosen = rank(target, hash, this.#candidates(target, hash, usable));
    if (chosen.length > 0 || this.#list.some(usable)) return chosen;
    return rank(
      target,
      hash,
      this.#candidates(target, hash, (view) => isHeard(target, hash, view)),
    );
  }

  send(node: string, target: PlacementTarget): SentJob {
    return this.#invokers.get(node)?.send(groupHash(target), target) ?? unknownInvoker;
  }

  #meet(node: string, report: InvokerReport): KnownInvoker {
    const isLocal = node === this.#localNode;
    return new KnownInvoker(node, report, {
      ...{ isLocal, now: this.#now },
      ...{ idle: this.#idle, soonFree: this.#soonFree },
    });
  }

  #candidates(target: PlacementTarget, hash: string, usable: (view: InvokerView) => boolean): Candidates {
    this.#chance = (this.#chance + 0x9e3779b9) | 0;
    const local = this.#localNode === undefined ? undefined : this.#invokers.get(this.#localNode);
    const homes = this.#homesOf(target, hash).filter(usable).slice(0, homeCount);
    // One that was taken over could say that it has a warm sandbox of each group.
    const isBelieved = (view: KnownInvoker) => view.isLocal || view.hasRun(hash) || homes.includes(view);
    const warmOf = (index: InvokersByGroup) =>
      sampleOf(index.of(hash), warmCount, this.#chance).filter((view) => isBelieved(view) && usable(view));
    return {
      local: local && usable(local) ? local : undefined,
      warm: warmOf(this.#idle),
      soonFree: warmOf(this.#soonFree),
      homes,
      others: sampleOf(this.#list, otherCount, this.#chance).filter(usable),
      meanLoad: this.#mean(),
    };
  }

  #homesOf(target: PlacementTarget, hash: string): readonly KnownInvoker[] {
    let homes = this.#homes.get(hash);
    if (homes === undefined) {
      homes = homesOf(hash, this.#list, rememberedHomes, (view) => canEver(target, hash, view));
      this.#homes.set(hash, homes);
    }
    return homes;
  }

  #mean(): number {
    const now = this.#now();
    if (now - this.#meanAt < meanForMs) return this.#meanLoad;
    this.#meanAt = now;
    this.#meanLoad = meanLoadOf(
      this.#list.filter(({ ageMs, report }) => ageMs <= staleMs && !report.isDraining),
    );
    return this.#meanLoad;
  }

  #changeMembers(): void {
    this.#homes.clear();
    this.#list = [...this.#invokers.values()];
    const most = mostBelieved(
      this.#list.map(({ report: { status, processors } }) => ({
        ...{ memoryMiB: status.memoryLimitMiB, processors },
      })),
    );
    // What this process says of itself is true.
    for (const invoker of this.#list) if (!invoker.isLocal) invoker.believe(most);
  }

  /** Forgets invokers that did not say good-bye. */
  #sweep(): void {
    const now = this.#now();
    if (now - this.#sweptAt < staleMs) return;
    this.#sweptAt = now;
    for (const { node, ageMs } of this.#list) if (ageMs > goneMs) this.forget(node);
  }
}

const unknownInvoker: SentJob = { accepted() {}, settled() {} };

/** True when something has changed on which the homes of groups depend. */
function hasOtherTraits(before: InvokerReport, after: InvokerReport): boolean {
  return (
    before.abilities !== after.abilities ||
    before.isDraining !== after.isDraining ||
    before.processors !== after.processors ||
    before.status.memoryLimitMiB !== after.status.memoryLimitMiB
  );
}

/** Gives equal abilities the same object, so that what they can run is found out once. */
function createInterning() {
  const known = new BoundedMap<string, InvokerAbilities>(mostAbilities);
  let last: InvokerAbilities | undefined;
  return (report: InvokerReport): InvokerReport => {
    if (report.abilities === last) return report;
    const text = JSON.stringify(report.abilities);
    last = known.get(text) ?? report.abilities;
    if (!known.has(text)) known.set(text, last);
    return { ...report, abilities: last };
  };
}

/** The invokers of each group, in no order. */
class InvokersByGroup implements GroupIndex {
  readonly #byHash = new Map<string, KnownInvoker[]>();

  of(hash: string): readonly KnownInvoker[] {
    return this.#byHash.get(hash) ?? [];
  }

  add(hash: string, invoker: KnownInvoker): void {
    const known = this.#byHash.get(hash);
    if (known) known.push(invoker);
    else this.#byHash.set(hash, [invoker]);
  }

  remove(hash: string, invoker: KnownInvoker): void {
    const known = this.#byHash.get(hash);
    const at = known?.indexOf(invoker) ?? -1;
    const last = at < 0 ? undefined : known?.pop();
    if (known === undefined || last === undefined) return;
    if (last !== invoker) known[at] = last;
    if (known.length === 0) this.#byHash.delete(hash);
  }
}
