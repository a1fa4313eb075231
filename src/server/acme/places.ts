/**
 * Which domains get a certificate. Tenants decide about the number of their domains, and an authority counts what the server
 * orders. All servers of a database choose the same ones.
 */
import type { ProvedDomain } from '../../functions/index.ts';
import type { Log } from '../../lib/index.ts';

export type CertifiedDomain = Pick<ProvedDomain, 'name' | 'namespace' | 'provedAt'>;

/** `lacking`: other domains have all places. `none`: it needs none, because a certificate of the server has the name. */
export type CertificatePlace = 'ordered' | 'lacking' | 'none';

const mostPlaces = 100;
/** What lies above it gets only places that nobody else wants. */
const shareOfNamespace = 25;

/** The domains of this server, and which of them it orders certificates for. */
export class DomainNames {
  readonly #log: Log;
  #domains: readonly CertifiedDomain[] = [];
  #isCovered: (name: string) => boolean = () => false;
  #ordered: readonly CertifiedDomain[] = [];
  #without: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param isCovered whether a certificate of the server itself has the name */
  set(domains: readonly CertifiedDomain[], isCovered: (name: string) => boolean): void {
    this.#domains = domains;
    this.#isCovered = isCovered;
    this.choose();
  }

  /** Call it when `isCovered` answers otherwise. */
  choose(): void {
    const wanted = this.#domains.filter(({ name }) => !this.#isCovered(name));
    const before = this.#without.size;
    this.#ordered = withPlaces(wanted);
    this.#without = new Set(namesOf(wanted)).difference(new Set(namesOf(this.#ordered)));
    const others = this.#without.size;
    if (others > before) this.#log.warn({ most: mostPlaces, others }, 'more domains than certificates');
  }

  /** All: a certificate that is there is shown to its end. */
  served(): readonly string[] {
    return namesOf(this.#domains);
  }

  ordered(): readonly CertifiedDomain[] {
    return this.#ordered;
  }

  placeOf(name: string): CertificatePlace {
    if (this.#without.has(name)) return 'lacking';
    return this.#ordered.some((domain) => domain.name === name) ? 'ordered' : 'none';
  }
}

/** Those that were proved first, and the share of each namespace before all else. */
function withPlaces(domains: readonly CertifiedDomain[]): readonly CertifiedDomain[] {
  const counts = new Map<string, number>();
  const ranked = domains.toSorted(byAge).map((domain) => {
    const count = (counts.get(domain.namespace) ?? 0) + 1;
    counts.set(domain.namespace, count);
    return { domain, isOfShare: count <= shareOfNamespace };
  });
  const inOrder = ranked.toSorted((one, other) => Number(other.isOfShare) - Number(one.isOfShare));
  return inOrder.slice(0, mostPlaces).map(({ domain }) => domain);
}

function namesOf(domains: readonly CertifiedDomain[]): readonly string[] {
  return domains.map(({ name }) => name);
}

function byAge(one: CertifiedDomain, other: CertifiedDomain): number {
  return one.provedAt - other.provedAt || (one.name < other.name ? -1 : 1);
}
