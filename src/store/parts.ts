/**
 * The parts of a store over one database. Each engine opens the database and passes its SQL dialect and its batches.
 */
import type { Kysely } from 'kysely';
import { acceptedQueue } from './accepted.ts';
import { acmeStore } from './acme.ts';
import { activationStore } from './activations.ts';
import { apiStore } from './apis.ts';
import { clusterNodeStore } from './cluster-nodes.ts';
import { codeMarkStore } from './code-marks.ts';
import { deliveryStore } from './deliveries.ts';
import { domainStore } from './domains.ts';
import { egressStore } from './egress.ts';
import { entityStore } from './entities.ts';
import { feedStore } from './feeds.ts';
import { forwardingErrorStore } from './forwarding-errors.ts';
import type { GroupWriter } from './group-writer.ts';
import { holdingStore } from './holdings.ts';
import { keyStore } from './keys.ts';
import { leasedWrites, leaseStore } from './leases.ts';
import { memberStore } from './members.ts';
import { appliedMigrations } from './migrations/index.ts';
import { namespaceMemberStore } from './namespace-members.ts';
import { namespaceStore } from './namespaces.ts';
import { unsealedEntries } from './noted.ts';
import type { Schema } from './schema.ts';
import { sentEntries } from './sent-entries.ts';
import { sessionStore } from './sessions.ts';
import { spentTokenStore } from './spent-tokens.ts';
import type { SqlWords } from './sql-words.ts';
import type { Store } from './types/store.ts';
import { usageStore } from './usage.ts';
import { usageSlotStore } from './usage-slots.ts';
import { violationStore } from './violations.ts';

type StoreParts = Omit<Store, 'changes' | 'close' | typeof Symbol.asyncDispose>;

export function storeParts(db: Kysely<Schema>, writer: GroupWriter, words: SqlWords): StoreParts {
  return {
    entities: entityStore(db, words),
    keys: keyStore(db, words),
    feeds: feedStore(db, writer),
    deliveries: deliveryStore(db, writer),
    apis: apiStore(db, words),
    domains: domainStore(db),
    violations: violationStore(db, writer),
    activations: activationStore(db, writer, words),
    accepted: acceptedQueue(db, writer, words),
    namespaces: namespaceStore(db, writer, words),
    namespaceMembers: namespaceMemberStore(db, words),
    holdings: holdingStore(db),
    members: memberStore(db, words),
    clusterNodes: clusterNodeStore(db, words),
    leases: leaseStore(db, words),
    under: (lease) => leasedWrites(db, writer, words, lease),
    codeMarks: codeMarkStore(db, words),
    sessions: sessionStore(db, words),
    spentTokens: spentTokenStore(db, words),
    acme: acmeStore(db),
    unsealed: unsealedEntries(db),
    sentEntries: sentEntries(db),
    usage: usageStore(db, writer),
    usageSlots: usageSlotStore(db),
    egress: egressStore(db, writer),
    forwardingErrors: forwardingErrorStore(db),
    recording: writer.recording,
    appliedMigrations: () => appliedMigrations(db),
  };
}
