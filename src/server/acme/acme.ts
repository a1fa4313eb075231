/**
 * Gets the certificate from an authority by ACME, and renews it. Ward serves from the start: with the stored pair, or with
 * one that no client accepts, until the authority has issued the first. While an authority fails, the old pair stays in use.
 */
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileAtomically, writeFileAtomically } from '../../blobs/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import { type KeyPair, readKeyPair } from '../tls/key-pair.ts';
import { type Challenges, newAccountKey, orderPair, placeholder } from './order.ts';
import { dueAt, pauseAfter } from './schedule.ts';

export interface Acme extends Disposable {
  /** To serve with at the start. */
  readonly pair: KeyPair;
  /** The word that the authority asks for; undefined when there is none. */
  wordOf(token: string): string | undefined;
  /** The certificate that the authority asks for; undefined when it does not. */
  proofOf(name: string): KeyPair | undefined;
  /** Attempts that have failed since the last success. */
  failures(): number;
  /** Call it when the authority can reach the server. @param onRenewed gets each new pair */
  start(onRenewed: (pair: KeyPair) => void): void;
}

interface AcmeOptions {
  readonly setting: AcmeSetting;
  /** Of the account key and the pair; only its owner can enter it. */
  readonly folder: string;
  readonly log: Log;
}

/** A timer for longer is cut off; and the clock of the machine may be set meanwhile. */
const longestWaitMs = 60 * 60 * 1000;

export async function openAcme({ setting, folder, log }: AcmeOptions): Promise<Acme> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const accountFile = join(folder, 'account.key');
  const pairFile = join(folder, 'certificate.pem');
  await createFileAtomically(accountFile, await newAccountKey(), { mode: 0o600 });
  const accountKey = await readFile(accountFile, 'utf8');
  const stored = await storedPair(pairFile, setting.names);
  const challenges: Challenges = { words: new Map(), proofs: new Map() };
  let due = stored === undefined ? 0 : dueAt(stored.cert);
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  return {
    pair: stored ?? (await placeholder(setting.names[0] ?? '')),
    wordOf: (token) => challenges.words.get(token),
    proofOf: (name) => challenges.proofs.get(name),
    failures: () => failures,
    start(onRenewed) {
      const renew = async () => {
        try {
          const pair = await orderPair(setting, accountKey, challenges);
          // One file, so that a crash can't leave a certificate with another key.
          await writeFileAtomically(pairFile, pair.key + pair.cert, { mode: 0o600 });
          failures = 0;
          due = dueAt(pair.cert);
          if (isClosed) return;
          onRenewed(pair);
          log.info({ until: untilOf(pair) }, 'new certificate from the authority in use');
        } catch (error) {
          failures++;
          const pauseMs = pauseAfter(failures, Math.random());
          due = Date.now() + pauseMs;
          const minutes = Math.ceil(pauseMs / 60_000);
          log.error(
            { reason: messageOf(error), failures, minutes },
            'no new certificate from the authority, Ward tries again; the old one stays in use',
          );
        }
      };
      const wait = () => {
        if (isClosed) return;
        timer = setTimeout(step, Math.min(longestWaitMs, Math.max(0, due - Date.now())));
        timer.unref();
      };
      const step = () => {
        if (Date.now() < due) wait();
        else void renew().then(wait);
      };
      wait();
    },
    [Symbol.dispose]() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** Undefined when there is none for these names, or when it has expired. */
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
