/**
 * All proved domains of all namespaces, in memory: a request is looked up without a query. What this or another process
 * changes is read again in the background. While it can't be read, what was known stays.
 */
import { type Log, messageOf } from '../../lib/index.ts';
import type { DomainRow, DomainStore, DomainTarget } from '../../store/index.ts';
import type { Changed, Forgetful } from '../entities/changed.ts';
import { type NamespaceName, parseNamespaceName } from '../entities/names.ts';
import { nameInHost } from './domain-name.ts';

export interface ServedDomain {
  readonly name: string;
  readonly namespace: NamespaceName;
  readonly target: DomainTarget;
}

export interface ProvedDomain extends ServedDomain {
  /** Epoch milliseconds. */
  readonly provedAt: number;
}

const pageSize = 500;
/** If more changed, everything is read again. */
const mostSingly = 20;
const retryMs = 1000;

type Watcher = (domains: readonly ProvedDomain[]) => void;
type Stale = ReadonlySet<string> | 'all';

export class DomainTable implements Forgetful, Disposable {
  readonly #store: Pick<DomainStore, 'owner' | 'proved'>;
  readonly #log: Log;
  readonly #watchers = new Set<Watcher>();
  #served = new Map<string, ProvedDomain>();
  #stale: Stale = new Set();
  /** The read under way, which never rejects; and the one after it. */
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(store: Pick<DomainStore, 'owner' | 'proved'>, log: Log) {
    this.#store = store;
    this.#log = log;
  }

  /** @param host of a request, as the client sent it */
  find(host: string): ServedDomain | undefined {
    if (this.#served.size === 0) return undefined;
    return this.#served.get(host) ?? this.#served.get(nameInHost(host));
  }

  /** Reads again what may have changed before this call. @throws the store's faults */
  reload(what: Stale): Promise<void> {
    this.#stale = joined(this.#stale, what);
    if (this.#next === undefined) {
      const next = this.#reading.then(() => {
        this.#next = undefined;
        return this.#read();
      });
      this.#next = next;
      this.#reading = next.catch(() => {});
    }
    return this.#next;
  }

  /** Calls `watcher` with all of them, now and after each read. */
  watch(watcher: Watcher): Disposable {
    this.#watchers.add(watcher);
    watcher([...this.#served.values()]);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }

  forget(changed?: Changed): void {
    const what = changed?.domains ?? 'all';
    if (what !== 'all' && what.size === 0) return;
    // It has told the log, and tries again.
    this.reload(what).catch(() => {});
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#retry);
  }

  async #read(): Promise<void> {
    const stale = this.#stale;
    this.#stale = new Set();
    if (this.#isOver) return;
    try {
      if (stale === 'all' || stale.size > mostSingly) this.#served = await this.#readAll();
      else for (const name of stale) this.#set(name, await this.#store.owner(name));
    } catch (error) {
      this.#stale = joined(this.#stale, stale);
      this.#tryLater(error);
      throw error;
    }
    for (const watcher of this.#watchers) watcher([...this.#served.values()]);
  }

  #set(name: string, row: DomainRow | undefined): void {
    if (row === undefined) this.#served.delete(name);
    else this.#served.set(name, servedBy(row));
  }

  async #readAll(): Promise<Map<string, ProvedDomain>> {
    const served = new Map<string, ProvedDomain>();
    let after = '';
    for (;;) {
      const rows = await this.#store.proved(after, pageSize);
      for (const row of rows) served.set(row.name, servedBy(row));
      const last = rows.at(-1);
      if (last === undefined || rows.length < pageSize) return served;
      after = last.name;
    }
  }

  #tryLater(error: unknown): void {
    if (this.#isOver || this.#retry !== undefined) return;
    this.#log.warn({ reason: messageOf(error) }, 'the domains of namespaces cannot be read');
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.reload(new Set()).catch(() => {});
    }, retryMs).unref();
  }
}

function joined(one: Stale, other: Stale): Stale {
  return one === 'all' || other === 'all' ? 'all' : one.union(other);
}

function servedBy({ name, namespace, target, provedAt }: DomainRow): ProvedDomain {
  return { name, namespace: parseNamespaceName(namespace), target, provedAt: provedAt ?? 0 };
}
