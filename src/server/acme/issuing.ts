/**
 * Orders certificates when they are due, one after the other, and takes those that other servers have got. Of the servers
 * of a database, one orders at a time. What became of an attempt is in the database too, so that servers don't try one
 * after the other what an authority has just refused.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, messageOf } from '../../lib/index.ts';
import { keepLease, type LeaseKeeper, type LeaseStore } from '../../store/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import { expiryOf, issuerOf } from '../tls/key-pair.ts';
import {
  type KeptAcme,
  type KeptCertificate,
  namesIn,
  noCertificate,
  type StoredCertificate,
  whyUseless,
} from './kept.ts';
import { newAccountKey, type orderPair } from './order.ts';
import type { OrderBudget, RecentOrders } from './order-budget.ts';
import type { CertifiedDomain } from './places.ts';
import { dueAt, nextTry, pauseAfter } from './schedule.ts';

export interface IssuingOptions {
  readonly setting: AcmeSetting;
  readonly kept: KeptAcme;
  /** Of domains. */
  readonly budget: OrderBudget;
  readonly order: typeof orderPair;
  readonly leases: LeaseStore;
  /** How often to look what other servers have done. Undefined: there are none. */
  readonly pollMs: number | undefined;
  readonly log: Log;
}

interface WantedNames {
  /** To be ordered and renewed. */
  ordered(): readonly CertifiedDomain[];
  /** They keep the certificates that they have. */
  served(): readonly string[];
}

/** @see namesIn */
interface OrderedName {
  readonly name: string;
  /** Undefined: it is the server's own. */
  readonly namespace: string | undefined;
}

interface FailedAttempt extends Pick<KeptCertificate, 'dueAt' | 'failures' | 'error'> {
  readonly triedAt: number;
}

type Certificates = ReadonlyMap<string, StoredCertificate>;

const leaseName = 'acme';
/** A timer for longer is cut off; and the clock of the machine may be set meanwhile. */
const longestWaitMs = 60 * 60_000;
/** While another server orders, or the database does not answer. */
const busyMs = 2000;
/** A certificate that was issued is not given up at once. */
const savingTries = 20;
/** Certificates of domains that are gone. */
const mostLeft = 100;
const mostErrorLetters = 500;
const dayMs = 86_400_000;

export class Issuing implements AsyncDisposable {
  readonly #options: IssuingOptions;
  /** Of the server's own names. */
  readonly #own: string;
  readonly #wanted: WantedNames;
  #certificates: Certificates = new Map();
  /** Undefined before `load`. */
  #recent: RecentOrders | undefined;
  /** Namespaces whose refusal the log has, and since when. */
  readonly #told = new Map<string, number>();
  #onNew: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #keeper: LeaseKeeper | undefined;
  #isStepping = false;
  #isStarted = false;
  #isOver = false;

  /** @param wanted beside the server's own */
  constructor(options: IssuingOptions, wanted: WantedNames) {
    this.#options = options;
    this.#own = options.setting.names.join(' ');
    this.#wanted = wanted;
  }

  /** Undefined before anything was tried. */
  own(): StoredCertificate | undefined {
    return this.of(this.#own);
  }

  of(name: string): StoredCertificate | undefined {
    return this.#certificates.get(name);
  }

  /** Reads what is in the database. */
  async load(): Promise<void> {
    const before = this.#certificates;
    const { kept, budget } = this.#options;
    this.#recent = await budget.recent();
    this.#certificates = await kept.certificates(before);
    const isSame = (name: string) => before.get(name)?.pair?.cert === this.of(name)?.pair?.cert;
    if (!this.#served().every(isSame)) this.#onNew();
  }

  /** @param onNew called when a wanted certificate is new */
  start(onNew: () => void): void {
    this.#onNew = onNew;
    this.#isStarted = true;
    this.look();
  }

  /** Call it when other names are wanted. */
  look(): void {
    if (!this.#isStepping && this.#isStarted) this.#wait(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#timer);
    // Another server may go on at once.
    await this.#keeper?.close();
  }

  #served(): readonly string[] {
    return [this.#own, ...this.#wanted.served()];
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => void this.#step(), ms);
    this.#timer.unref();
  }

  async #step(): Promise<void> {
    this.#isStepping = true;
    let isBusy = false;
    try {
      await this.load();
      this.#tellRefused();
      isBusy = this.#firstDue() !== undefined && !(await this.#orderDue());
    } catch (error) {
      if (this.#isOver) return;
      isBusy = true;
      this.#options.log.warn({ reason: messageOf(error) }, 'the certificates can’t be read; trying again');
    }
    this.#isStepping = false;
    const { pollMs = longestWaitMs } = this.#options;
    const times = this.#wanted.ordered().map((domain) => this.#nextTryAt(domain));
    const dueMs = Math.min(this.#dueAt(this.#own), ...times) - Date.now();
    this.#wait(isBusy ? busyMs : Math.max(0, Math.min(longestWaitMs, pollMs, dueMs)));
  }

  /**
   * The server's own comes first, and then the namespace with the fewest orders in 24 hours: an order may take minutes, and
   * nobody waits for all those of another namespace.
   */
  #firstDue(): OrderedName | undefined {
    const now = Date.now();
    if (this.#dueAt(this.#own) <= now) return { name: this.#own, namespace: undefined };
    const failuresOf = ({ name }: CertifiedDomain) => this.of(name)?.failures ?? 0;
    const ordersOf = ({ namespace }: CertifiedDomain) => this.#recent?.of(namespace) ?? 0;
    return this.#wanted
      .ordered()
      .filter((domain) => this.#nextTryAt(domain) <= now)
      .toSorted((one, other) => ordersOf(one) - ordersOf(other) || failuresOf(one) - failuresOf(other))[0];
  }

  #nextTryAt({ name, namespace }: CertifiedDomain): number {
    const dueAt = this.#dueAt(name);
    return Math.max(dueAt, this.#recent?.refusal(namespace)?.endsAt ?? 0);
  }

  #dueAt(name: string): number {
    const known = this.of(name);
    return known === undefined ? 0 : nextTry(known, Date.now());
  }

  /** Once in 24 hours for each namespace. */
  #tellRefused(): void {
    const now = Date.now();
    for (const [namespace, toldAt] of this.#told)
      if (toldAt > now || toldAt <= now - dayMs) this.#told.delete(namespace);
    for (const { name, namespace } of this.#wanted.ordered()) {
      const refusal = this.#recent?.refusal(namespace);
      if (refusal === undefined || this.#dueAt(name) > now || this.#told.has(namespace)) continue;
      this.#told.set(namespace, now);
      const until = new Date(refusal.endsAt).toISOString();
      const about = { namespace, reason: refusal.reason, until };
      this.#options.log.warn(about, 'certificates of domains have to wait');
    }
  }

  /** False when another server orders. */
  async #orderDue(): Promise<boolean> {
    const { leases, kept, budget, log } = this.#options;
    const keeper = keepLease({ leases, name: leaseName, log });
    this.#keeper = keeper;
    try {
      if ((await keeper.held()) === undefined) return false;
      await kept.deleteOldProofs();
      await budget.forgetOld();
      await this.#forgetOld();
      for (;;) {
        if (this.#isOver) return true;
        // Another server may have been faster.
        await this.load();
        const due = this.#firstDue();
        if (due === undefined) return true;
        if ((await keeper.held()) === undefined) return false;
        await this.#order(due);
      }
    } finally {
      await keeper.close();
    }
  }

  async #order({ name, namespace }: OrderedName): Promise<void> {
    const { kept, setting, budget, order, log } = this.#options;
    const names = namesIn(name);
    const before = this.of(name) ?? noCertificate;
    const triedAt = Date.now();
    try {
      const accountKey = await kept.accountKey(setting.directory, newAccountKey);
      // Before the order, so that a server that dies meanwhile has counted it.
      const admit = async () => namespace === undefined || (await budget.take(namespace));
      const pair = await order({ ...setting, names }, accountKey, kept, admit);
      if (pair === undefined) return;
      const useless = whyUseless(pair, name);
      if (useless !== undefined) throw new Error(`the authority’s certificate is of no use: ${useless}`);
      const until = expiryOf(pair.cert);
      const times = { until: until.getTime(), dueAt: dueAt(pair.cert, Date.now()), triedAt };
      const issued = { pair, issuer: issuerOf(pair.cert), ...times };
      if (!(await this.#save(name, { ...issued, failures: 0, error: null }))) return;
      log.info({ names, until: until.toISOString() }, 'new certificate from the authority in use');
    } catch (error) {
      if (this.#isOver) return;
      const failures = before.failures + 1;
      const pauseMs = pauseAfter(failures, Math.random());
      // The authority's text may be long.
      const reason = messageOf(error).slice(0, mostErrorLetters);
      await this.#noteFailure(name, { failures, triedAt, dueAt: Date.now() + pauseMs, error: reason });
      // A tenant's name may lead elsewhere, which is no trouble of the server.
      const level = name === this.#own ? 'error' : 'warn';
      const minutes = Math.ceil(pauseMs / 60_000);
      log[level](
        { names, reason, failures, minutes },
        'no new certificate from the authority, Ward tries again; the old one stays in use',
      );
    }
  }

  /** Not lost when the row was written meanwhile, as a rotation of keys does: the order would be repeated at once. */
  async #noteFailure(name: string, failed: FailedAttempt): Promise<void> {
    for (;;) {
      const known = this.of(name);
      // Another server knows more.
      if ((known?.triedAt ?? 0) > failed.triedAt) return;
      const next = { ...(known ?? noCertificate), ...failed };
      if (await this.#options.kept.putCertificate(name, next, known?.revision ?? null)) return;
      await this.load();
    }
  }

  /**
   * False when there is a newer one. Authorities count what they issue, so it is not lost while the database is away, nor when
   * the domain was given up meanwhile, which may come back.
   */
  async #save(name: string, next: KeptCertificate): Promise<boolean> {
    const { kept } = this.#options;
    for (let tries = 1; ; tries++) {
      const known = this.of(name);
      // By when it is due: an authority near its own end issues certificates that all end with it.
      const isNewer = this.#dueAt(name) < next.dueAt;
      if (this.#isOver || !isNewer) return false;
      try {
        const isSaved = await kept.putCertificate(name, next, known?.revision ?? null);
        await this.load();
        if (isSaved) return true;
      } catch (error) {
        if (tries === savingTries) throw error;
        await sleep(busyMs, undefined, { ref: false });
      }
    }
  }

  /** A domain that comes back has its certificate again, or goes on with the pause after its last failure. */
  async #forgetOld(): Promise<void> {
    const served = new Set(this.#served());
    const now = Date.now();
    const left = [...this.#certificates]
      .filter(([name]) => !served.has(name))
      .map(([name, { until, failures, dueAt }]) => ({
        name,
        end: Math.max(until ?? 0, failures > 0 ? dueAt : 0),
      }))
      .toSorted((one, other) => other.end - one.end);
    for (const [i, { name, end }] of left.entries())
      if (i >= mostLeft || end <= now) await this.#options.kept.deleteCertificate(name);
  }
}
