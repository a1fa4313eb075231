/** One certificate that the authority issues: stored in a file, renewed in time, and tried again when an attempt fails. */
import { X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../../blobs/index.ts';
import { type Log, messageOf, type Turns } from '../../lib/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import { type KeyPair, readKeyPair } from '../tls/key-pair.ts';
import { type Challenges, orderPair } from './order.ts';
import { dueAt, pauseAfter } from './schedule.ts';

interface IssuedPairOptions {
  /** With the names of this certificate. */
  readonly setting: AcmeSetting;
  readonly accountKey: string;
  readonly file: string;
  /** Where orders wait for each other. Absent: this one waits for none. */
  readonly turns?: Turns;
  /** How serious a failure is. */
  readonly failureLevel: 'error' | 'warn';
  readonly log: Log;
}

/** A timer for longer is cut off; and the clock of the machine may be set meanwhile. */
const longestWaitMs = 60 * 60 * 1000;

export class IssuedPair implements Disposable {
  readonly challenges: Challenges = { words: new Map(), proofs: new Map() };
  readonly #options: IssuedPairOptions;
  #pair: KeyPair | undefined;
  /** When to order the next one, in epoch milliseconds. */
  #due = 0;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: IssuedPairOptions) {
    this.#options = options;
  }

  /** Undefined until the authority has issued one. */
  get pair(): KeyPair | undefined {
    return this.#pair;
  }

  /** Attempts that have failed since the last success. */
  get failures(): number {
    return this.#failures;
  }

  /** Takes the pair of an earlier run, if it is there and still of use. */
  async load(): Promise<void> {
    const { file, setting } = this.#options;
    this.#pair = await storedPair(file, setting.names);
    if (this.#pair !== undefined) this.#due = dueAt(this.#pair.cert);
  }

  /** Call it when the authority can reach the server. @param onRenewed called after each new pair */
  start(onRenewed: () => void): void {
    const wait = () => {
      if (this.#isOver) return;
      this.#timer = setTimeout(step, Math.min(longestWaitMs, Math.max(0, this.#due - Date.now())));
      this.#timer.unref();
    };
    const step = () => {
      if (Date.now() < this.#due) wait();
      else void this.#renew(onRenewed).then(wait);
    };
    wait();
  }

  /** Ends it, and forgets what is stored. */
  async remove(): Promise<void> {
    this[Symbol.dispose]();
    await rm(this.#options.file, { force: true });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  async #renew(onRenewed: () => void): Promise<void> {
    const { turns, log, failureLevel, setting } = this.#options;
    try {
      await (turns === undefined ? this.#order() : turns.take(() => this.#order()));
      if (this.#isOver || this.#pair === undefined) return;
      onRenewed();
      log.info(
        { names: setting.names, until: untilOf(this.#pair) },
        'new certificate from the authority in use',
      );
    } catch (error) {
      this.#failures++;
      const pauseMs = pauseAfter(this.#failures, Math.random());
      this.#due = Date.now() + pauseMs;
      const minutes = Math.ceil(pauseMs / 60_000);
      log[failureLevel](
        { names: setting.names, reason: messageOf(error), failures: this.#failures, minutes },
        'no new certificate from the authority, Ward tries again; the old one stays in use',
      );
    }
  }

  async #order(): Promise<void> {
    // It may have waited for its turn.
    if (this.#isOver) return;
    const { setting, accountKey, file } = this.#options;
    const pair = await orderPair(setting, accountKey, this.challenges);
    if (this.#isOver) return;
    // One file, so that a crash can't leave a certificate with another key.
    await writeFileAtomically(file, pair.key + pair.cert, { mode: 0o600 });
    this.#pair = pair;
    this.#failures = 0;
    this.#due = dueAt(pair.cert);
  }
}

/** Returns undefined when no pair is stored for these names, or when it has expired. */
async function storedPair(file: string, names: readonly string[]): Promise<KeyPair | undefined> {
  try {
    const { cert: text } = await readKeyPair({ cert: file, key: file }, Date.now());
    const at = text.indexOf('-----BEGIN CERTIFICATE-----');
    const pair = { cert: text.slice(at), key: text.slice(0, at) };
    const certificate = new X509Certificate(pair.cert);
    return names.every((name) => certificate.checkHost(name) !== undefined) ? pair : undefined;
  } catch {
    return undefined;
  }
}

function untilOf({ cert }: KeyPair): string {
  return new X509Certificate(cert).validToDate.toISOString();
}
