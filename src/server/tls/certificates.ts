/** The certificates in use, which can be replaced while Ward runs. */
import { X509Certificate } from 'node:crypto';
import type { TlsFront } from '../../api/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { isFor, type KeyPair } from './key-pair.ts';

/** Pairs by where they come from. Those of an authority are shown to clients first. */
export interface PairSources {
  /** By ACME. */
  readonly issued: readonly KeyPair[];
  /** In the operator's files. */
  readonly given: readonly KeyPair[];
  /** By ACME, for domains of namespaces. */
  readonly domains: readonly KeyPair[];
}

export interface Certificates {
  /** New connections use the pairs. Keeps the old ones when a new one can't be used. */
  renew(pairs: Partial<PairSources>): void;
  /** When the first of the server's own expires. Undefined when the API speaks plain HTTP. */
  until(): Date | undefined;
  /** True for names and addresses in a certificate. */
  covers(host: string): boolean;
  /** As `covers`, without those for domains. */
  coversItself(host: string): boolean;
}

export function openCertificates(
  first: PairSources,
  { front, log }: { readonly front: TlsFront | undefined; readonly log: Log },
): Certificates {
  let sources = first;
  let own = certificatesOf([...sources.issued, ...sources.given]);
  let ofDomains = certificatesOf(sources.domains);
  return {
    renew(changed) {
      try {
        const next = { ...sources, ...changed };
        const pairs = shownPairs(next);
        if (pairs !== undefined) front?.renew(pairs);
        own = certificatesOf([...next.issued, ...next.given]);
        ofDomains = certificatesOf(next.domains);
        sources = next;
      } catch (error) {
        log.error(
          { reason: messageOf(error) },
          'the new certificate can’t be used, the old one stays in use',
        );
      }
    },
    until: () => own.map(({ validToDate }) => validToDate).toSorted((a, b) => Number(a) - Number(b))[0],
    coversItself: (host) => own.some((each) => isFor(each, host)),
    covers: (host) => [...own, ...ofDomains].some((each) => isFor(each, host)),
  };
}

/** The first is for clients that want no name, or one that no certificate has. Undefined: there is none. */
export function shownPairs({
  issued,
  given,
  domains,
}: PairSources): readonly [KeyPair, ...KeyPair[]] | undefined {
  const [first, ...others] = [...issued, ...given, ...domains];
  return first && [first, ...others];
}

function certificatesOf(pairs: readonly KeyPair[]): readonly X509Certificate[] {
  return pairs.map(({ cert }) => new X509Certificate(cert));
}
