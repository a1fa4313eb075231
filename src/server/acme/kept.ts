/**
 * What Ward has with an authority, in the database that all its servers share: the account, the certificates, and what the
 * authority wants to see at the moment. Private keys are sealed with the keys of the vault.
 */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { acmePlace, type DomainCertificate, type ProvedDomain, type Vault } from '../../functions/index.ts';
import { type JsonObject, messageOf } from '../../lib/index.ts';
import type { AcmeRow, AcmeStore } from '../../store/index.ts';
import { checkFit, checkKeyPair, type KeyPair } from '../tls/key-pair.ts';
import { causeOf } from './advice.ts';
import type { OrderBudget } from './order-budget.ts';
import type { CertificatePlace } from './places.ts';
import { nextTry } from './schedule.ts';

/** A certificate of the server's names or of a domain, or what became of the attempts to get it. */
export interface KeptCertificate {
  /** Undefined until the authority has issued one, and when the stored one is of no use, whatever the time is. */
  readonly pair: KeyPair | undefined;
  /** Its end. All times are epoch milliseconds. */
  readonly until: number | null;
  /** The authority that has issued it. */
  readonly issuer: string | null;
  /** When to order the next one. */
  readonly dueAt: number;
  /** Attempts that have failed since the last success. */
  readonly failures: number;
  readonly triedAt: number | null;
  /** Why the last attempt has failed. */
  readonly error: string | null;
}

/** Nothing was tried. */
export const noCertificate: KeptCertificate = {
  ...{ pair: undefined, until: null, issuer: null, dueAt: 0 },
  ...{ failures: 0, triedAt: null, error: null },
};

export interface StoredCertificate extends KeptCertificate {
  readonly revision: string;
}

/** HTTP-01: the word that the authority expects. TLS-ALPN-01: the certificate. */
export type Proof = { readonly word: string } | KeyPair;

export interface KeptAcme {
  /** The key of the account, which the first server makes. */
  accountKey(directory: string, newKey: () => Promise<string>): Promise<string>;
  /** All, by name. @param known are not opened again if they are the same */
  certificates(
    known: ReadonlyMap<string, StoredCertificate>,
  ): Promise<ReadonlyMap<string, StoredCertificate>>;
  /**
   * False if another server has written since.
   * @param expected revision of what was there; null: nothing
   */
  putCertificate(name: string, next: KeptCertificate, expected: string | null): Promise<boolean>;
  deleteCertificate(name: string): Promise<void>;
  /** Those of all servers. */
  proofs(): Promise<ReadonlyMap<string, Proof>>;
  addProof(name: string, proof: Proof): Promise<void>;
  deleteProof(name: string): Promise<void>;
  /** Removes those of servers that have died. */
  deleteOldProofs(): Promise<void>;
}

/** Longer than an order takes. */
const proofLifeMs = 15 * 60_000;

const pairSchema = z.object({ cert: z.string(), key: z.string() });
const proofSchema = z.union([pairSchema, z.object({ word: z.string() })]);
const accountDocument = z.object({ sealed: z.string() });
const proofDocument = z.object({ sealed: z.string(), until: z.number() });

const noPlace = 'the server orders no more certificates: other domains have all places';

/** The part that is not secret, which operators' commands read without the vault. */
export const certificateDocument = z.object({
  sealed: z.string().nullable(),
  until: z.number().nullable(),
  // Earlier versions did not keep it.
  issuer: z.string().nullable().default(null),
  dueAt: z.number(),
  failures: z.number().int(),
  triedAt: z.number().nullable(),
  error: z.string().nullable(),
});

export function keptAcme(store: AcmeStore, vault: Pick<Vault, 'seal' | 'open'>): KeptAcme {
  const seal = (value: JsonObject | string, row: Pick<AcmeRow, 'kind' | 'name'>) =>
    vault.seal(value, acmePlace(row));
  /** Undefined when the keys of the vault are gone: then Ward orders again. */
  const open = <T>(schema: z.ZodType<T>, sealed: string, row: AcmeRow): T | undefined => {
    try {
      return schema.parse(vault.open(sealed, acmePlace(row)));
    } catch {
      return undefined;
    }
  };
  const opened = (row: AcmeRow): StoredCertificate => {
    const { data } = certificateDocument.safeParse(row.document);
    // It is replaced by the next order.
    if (data === undefined) return { ...noCertificate, revision: row.revision };
    const { sealed, ...rest } = data;
    const pair = sealed === null ? undefined : open(pairSchema, sealed, row);
    // The clock may be wrong, and clients may know better. When it is due is noted beside it.
    const isOfUse = pair !== undefined && whyUnfit(pair, row.name) === undefined;
    // After a failure, it waits: the authority counts.
    const isDue = sealed !== null && !isOfUse && rest.failures === 0;
    const dueAt = isDue ? 0 : rest.dueAt;
    return { ...rest, dueAt, pair: isOfUse ? pair : undefined, revision: row.revision };
  };
  const accountIn = (row: AcmeRow | undefined) => {
    const parsed = accountDocument.safeParse(row?.document);
    return row && parsed.success ? open(z.string(), parsed.data.sealed, row) : undefined;
  };
  return {
    async accountKey(directory, newKey) {
      for (;;) {
        const row = await store.get('account', directory);
        const known = accountIn(row);
        if (known !== undefined) return known;
        const place = { kind: 'account', name: directory } as const;
        const document = { sealed: seal(await newKey(), place) };
        await store.put({ ...place, document }, row?.revision ?? null);
      }
    },
    async certificates(known) {
      const all = new Map<string, StoredCertificate>();
      for (const row of await store.list('certificate')) {
        const same = known.get(row.name);
        all.set(row.name, same?.revision === row.revision ? same : opened(row));
      }
      return all;
    },
    putCertificate(name, { pair, until, issuer, dueAt, failures, triedAt, error }, expected) {
      const place = { kind: 'certificate', name } as const;
      const sealed = pair === undefined ? null : seal({ ...pair }, place);
      const document = { sealed, until, issuer, dueAt, failures, triedAt, error };
      return store.put({ ...place, document }, expected);
    },
    deleteCertificate: (name) => store.delete('certificate', name),
    async proofs() {
      const all = new Map<string, Proof>();
      for (const row of await store.list('proof')) {
        const parsed = proofDocument.safeParse(row.document);
        const proof = parsed.success ? open(proofSchema, parsed.data.sealed, row) : undefined;
        if (proof !== undefined) all.set(row.name, proof);
      }
      return all;
    },
    async addProof(name, proof) {
      const place = { kind: 'proof', name } as const;
      const document = { sealed: seal({ ...proof }, place), until: Date.now() + proofLifeMs };
      // One of a server that has died may be in the way.
      await store.delete('proof', name);
      await store.put({ ...place, document }, null);
    },
    deleteProof: (name) => store.delete('proof', name),
    async deleteOldProofs() {
      for (const { name, document } of await store.list('proof')) {
        const { data } = proofDocument.safeParse(document);
        if (data === undefined || data.until < Date.now()) await store.delete('proof', name);
      }
    },
  };
}

/**
 * What a namespace may know about the certificate of its domain.
 * @returns undefined before the first attempt, and when another certificate has the name
 */
export async function domainCertificate(
  { acme, budget }: { readonly acme: Pick<AcmeStore, 'get'>; readonly budget: Pick<OrderBudget, 'recent'> },
  { name, namespace }: Pick<ProvedDomain, 'name' | 'namespace'>,
  place: CertificatePlace,
): Promise<DomainCertificate | undefined> {
  const row = await acme.get('certificate', name);
  const { data } = certificateDocument.safeParse(row?.document);
  const { issuer, until, triedAt, failures, error } = data ?? noCertificate;
  const untried = { issuer, until, triedAt: null, failures: 0 };
  if (place === 'lacking') return { ...untried, error: noPlace, nextTryAt: null };
  const now = Date.now();
  const nextTryAt = data === undefined ? now : nextTry(data, now);
  const recent = place === 'ordered' && nextTryAt <= now ? await budget.recent() : undefined;
  const refusal = recent?.refusal(namespace);
  if (refusal !== undefined) return { ...untried, error: refusal.reason, nextTryAt: refusal.endsAt };
  if (data === undefined) return undefined;
  // The text may have addresses of the operator's network.
  const reason = error === null ? null : causeOf(error).reason;
  return { issuer, until, triedAt, failures, error: reason, nextTryAt };
}

/** The names of a certificate are its name in the database. */
export function namesIn(name: string): readonly string[] {
  return name.split(' ');
}

const origin = { cert: 'ACME', key: 'ACME' };

/** Undefined when clients accept the pair for these names. */
export function whyUseless(pair: KeyPair, name: string): string | undefined {
  try {
    checkKeyPair(pair, Date.now(), origin);
  } catch (error) {
    return messageOf(error);
  }
  return whyUnfit(pair, name);
}

/** As `whyUseless`, at the right time. */
function whyUnfit(pair: KeyPair, name: string): string | undefined {
  try {
    checkFit(pair, origin);
    const certificate = new X509Certificate(pair.cert);
    const missing = namesIn(name).find((each) => certificate.checkHost(each) === undefined);
    return missing && `it is not for ${missing}`;
  } catch (error) {
    return messageOf(error);
  }
}
