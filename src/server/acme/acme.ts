/**
 * Gets certificates from an authority by ACME, and renews them: one for the server's names, and one for each domain of a
 * namespace. Ward serves from the start: with the stored pair, or with one that no client accepts, until the authority has
 * issued the first. While an authority fails, the old pairs stay in use.
 */
import type { Vault } from '../../functions/index.ts';
import type { Log } from '../../lib/index.ts';
import type { AcmeStore, LeaseStore } from '../../store/index.ts';
import type { AcmeSetting } from '../config/tls-setting.ts';
import type { PairSources } from '../tls/certificates.ts';
import { Issuing } from './issuing.ts';
import { type KeptCertificate, keptAcme } from './kept.ts';
import { orderPair, placeholder } from './order.ts';
import { OrderBudget } from './order-budget.ts';
import { type CertificatePlace, type CertifiedDomain, DomainNames } from './places.ts';
import { createProofs, type Proofs } from './proofs.ts';

type IssuedPairs = Pick<PairSources, 'issued' | 'domains'>;

export interface Acme extends AsyncDisposable, Proofs {
  /** To serve with at the start. */
  pairs(): IssuedPairs;
  /** What became of the server's own certificate, and of each domain's. */
  report(): readonly CertificateReport[];
  /** Call it when the authority can reach the server. @param onRenewed gets the pairs when one is new or gone */
  start(onRenewed: (pairs: IssuedPairs) => void): void;
  /**
   * Serves these domains with the certificates that they have, and gets those that are missing, after `start`.
   * @param isCovered whether a certificate of the server itself has the name
   */
  serveDomains(domains: readonly CertifiedDomain[], isCovered: (name: string) => boolean): void;
  /** Call it when `isCovered` answers otherwise. */
  chooseAgain(): void;
  placeOf(domain: string): CertificatePlace;
}

export interface CertificateReport extends Pick<KeptCertificate, 'until' | 'failures' | 'triedAt'> {
  /** Separated by spaces. */
  readonly names: string;
  readonly isDomain: boolean;
}

export interface AcmeOptions {
  readonly setting: AcmeSetting;
  readonly store: { readonly acme: AcmeStore; readonly leases: LeaseStore };
  readonly vault: Pick<Vault, 'seal' | 'open'>;
  /** How often to look what other servers have done. Undefined: there are none. */
  readonly pollMs: number | undefined;
  readonly log: Log;
}

export async function openAcme({ setting, store, vault, pollMs, log }: AcmeOptions): Promise<Acme> {
  const kept = keptAcme(store.acme, vault);
  const names = new DomainNames(log);
  const budget = new OrderBudget(store.acme, setting.ordersPerDay);
  const { leases } = store;
  const issuing = new Issuing({ setting, kept, budget, order: orderPair, leases, pollMs, log }, names);
  await issuing.load();
  const first = issuing.own()?.pair ?? (await placeholder(setting.names[0] ?? ''));
  let tell = () => {};
  const pairs = () => ({
    issued: [issuing.own()?.pair ?? first],
    domains: names.served().flatMap((name) => issuing.of(name)?.pair ?? []),
  });
  const reportOf = (names: string, isDomain: boolean, known: KeptCertificate | undefined) => ({
    ...{ names, isDomain },
    ...{ until: known?.until ?? null, failures: known?.failures ?? 0, triedAt: known?.triedAt ?? null },
  });
  return {
    ...createProofs(kept),
    pairs,
    report: () => [
      reportOf(setting.names.join(' '), false, issuing.own()),
      ...names
        .served()
        .filter((name) => names.placeOf(name) === 'ordered' || issuing.of(name) !== undefined)
        .map((name) => reportOf(name, true, issuing.of(name))),
    ],
    start(onRenewed) {
      tell = () => onRenewed(pairs());
      issuing.start(tell);
    },
    serveDomains(domains, isCovered) {
      const before = names.served();
      names.set(domains, isCovered);
      const now = new Set(names.served());
      const isOneGone = before.some((name) => !now.has(name));
      const added = now.difference(new Set(before));
      // Another server, an earlier run, or an earlier claim may have got some of the added ones.
      if (isOneGone || [...added].some((name) => issuing.of(name)?.pair !== undefined)) tell();
      issuing.look();
    },
    chooseAgain() {
      names.choose();
      issuing.look();
    },
    placeOf: (name) => names.placeOf(name),
    [Symbol.asyncDispose]: () => issuing[Symbol.asyncDispose](),
  };
}
