/**
 * Gets certificates from an authority by ACME, and renews them: one for the server's names, and one for each domain of a
 * namespace. Ward serves from the start: with the stored pair, or with one that no client accepts, until the authority has
 * issued the first. While an authority fails, the old pairs stay in use.
 */
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileAtomically } from '../../blobs/index.ts';
import { type Log, messageOf, Turns } from '../../lib/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import type { PairSources } from '../tls/certificates.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { IssuedPair } from './issued-pair.ts';
import { newAccountKey, placeholder } from './order.ts';

type IssuedPairs = Pick<PairSources, 'issued' | 'domains'>;

export interface Acme extends Disposable {
  /** To serve with at the start. */
  pairs(): IssuedPairs;
  /** The word that the authority asks for; undefined when there is none. */
  wordOf(token: string): string | undefined;
  /** The certificate that the authority asks for; undefined when it does not. */
  proofOf(name: string): KeyPair | undefined;
  /** Attempts for the server's own names that have failed since the last success. */
  failures(): number;
  /** Call it when the authority can reach the server. @param onRenewed gets the pairs when one is new or gone */
  start(onRenewed: (pairs: IssuedPairs) => void): void;
  /**
   * Gets a certificate for each of these names, after `start`, and forgets those for others.
   * @param isCovered whether another certificate has the name
   */
  serveDomains(names: readonly string[], isCovered: (name: string) => boolean): void;
}

interface AcmeOptions {
  readonly setting: AcmeSetting;
  /** Of the account key and the pairs; only its owner can enter it. */
  readonly folder: string;
  readonly log: Log;
}

/** Tenants decide about their number. */
const mostDomains = 100;

export async function openAcme({ setting, folder, log }: AcmeOptions): Promise<Acme> {
  const domainFolder = join(folder, 'domains');
  for (const each of [folder, domainFolder]) {
    await mkdir(each, { recursive: true, mode: 0o700 });
    await chmod(each, 0o700);
  }
  const accountFile = join(folder, 'account.key');
  await createFileAtomically(accountFile, await newAccountKey(), { mode: 0o600 });
  const accountKey = await readFile(accountFile, 'utf8');
  const file = join(folder, 'certificate.pem');
  const own = new IssuedPair({ setting, accountKey, file, failureLevel: 'error', log });
  await own.load();
  const first = own.pair ?? (await placeholder(setting.names[0] ?? ''));
  const domains = new Map<string, IssuedPair>();
  const turns = new Turns(1);
  let tell = () => {};
  const pairs = () => ({
    issued: [own.pair ?? first],
    domains: [...domains.values()].flatMap(({ pair }) => pair ?? []),
  });
  const open = (name: string) => {
    const one = new IssuedPair({
      ...{ setting: { ...setting, names: [name] }, accountKey, turns, log },
      file: join(domainFolder, `${name}.pem`),
      // The tenant's name may lead elsewhere, which is no trouble of the server.
      failureLevel: 'warn',
    });
    void one.load().then(() => {
      if (one.pair !== undefined) tell();
      one.start(() => tell());
    });
    return one;
  };
  return {
    pairs,
    wordOf: (token) => firstOf([own, ...domains.values()], ({ challenges }) => challenges.words.get(token)),
    proofOf: (name) => firstOf([own, ...domains.values()], ({ challenges }) => challenges.proofs.get(name)),
    failures: () => own.failures,
    start(onRenewed) {
      tell = () => onRenewed(pairs());
      own.start(tell);
    },
    serveDomains(names, isCovered) {
      const gone = [...domains].filter(([name]) => !names.includes(name));
      for (const [name, each] of gone) {
        domains.delete(name);
        each.remove().catch((error: unknown) => {
          log.warn({ name, reason: messageOf(error) }, 'the certificate of a domain was not deleted');
        });
      }
      if (gone.length > 0) tell();
      const added = names.filter((name) => !domains.has(name) && !isCovered(name));
      const room = Math.max(0, mostDomains - domains.size);
      for (const name of added.slice(0, room)) domains.set(name, open(name));
      if (added.length > room)
        log.warn({ most: mostDomains, others: added.length - room }, 'more domains than certificates');
    },
    [Symbol.dispose]() {
      for (const each of [own, ...domains.values()]) each[Symbol.dispose]();
    },
  };
}

function firstOf<T, U>(items: readonly T[], find: (item: T) => U | undefined): U | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
