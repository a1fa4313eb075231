/** Tests for every implementation of `Store`. Each runs them in its own test file, with its own opener. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acceptedTests } from './suite/accepted.ts';
import { acmeTests } from './suite/acme.ts';
import { activationTests, listTests } from './suite/activations.ts';
import { apiTests } from './suite/apis.ts';
import { changeTests } from './suite/changes.ts';
import { clusterNodeTests } from './suite/cluster-nodes.ts';
import { codeMarkTests } from './suite/code-marks.ts';
import { namespaceRow, type StorePlace } from './suite/context.ts';
import { deliveryTests } from './suite/deliveries.ts';
import { domainTests } from './suite/domains.ts';
import { earlierCodeTests } from './suite/earlier-code.ts';
import { egressTests } from './suite/egress.ts';
import { entityTests } from './suite/entities.ts';
import { entityLinkTests } from './suite/entity-links.ts';
import { feedTests } from './suite/feeds.ts';
import { forwardingErrorTests } from './suite/forwarding-errors.ts';
import { holdingTests } from './suite/holdings.ts';
import { keyTests } from './suite/keys.ts';
import { leaseTests } from './suite/leases.ts';
import { memberTests } from './suite/members.ts';
import { namespaceMemberTests } from './suite/namespace-members.ts';
import { namespaceTests } from './suite/namespaces.ts';
import { notedTests } from './suite/noted.ts';
import { retentionTests } from './suite/retention.ts';
import { sessionTests } from './suite/sessions.ts';
import { sharingTests } from './suite/sharing.ts';
import { spentTokenTests } from './suite/spent-tokens.ts';
import { usageTests } from './suite/usage.ts';
import { usageSlotTests } from './suite/usage-slots.ts';
import { violationTests } from './suite/violations.ts';
import type { Store } from './types/store.ts';

export function storeSuite(name: string, makePlace: () => Promise<StorePlace>): void {
  describe(name, () => {
    let place: StorePlace;
    let store: Store;
    beforeEach(async () => {
      place = await makePlace();
      store = await place.open();
      await store.namespaces.create(namespaceRow('guest'));
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });
    const reopen = async () => {
      await store.close();
      store = await place.open();
    };
    const context = { store: () => store, place: () => place, reopen };
    describe('namespaces', () => namespaceTests(context));
    describe('keys', () => keyTests(context));
    describe('members of a namespace', () => namespaceMemberTests(context));
    describe('entities', () => entityTests(context));
    describe('links of entities', () => entityLinkTests(context));
    describe('activations', () => activationTests(context));
    describe('activation lists', () => listTests(context));
    describe('retention of activations', () => retentionTests(context));
    describe('holdings', () => holdingTests(context));
    describe('earlier code', () => earlierCodeTests(context));
    describe('accepted invocations', () => acceptedTests(context));
    describe('feeds', () => feedTests(context));
    describe('deliveries', () => deliveryTests(context));
    describe('APIs', () => apiTests(context));
    describe('domains', () => domainTests(context));
    describe('changes', () => changeTests(context));
    describe('usage of days', () => usageTests(context));
    describe('calls by slots of time', () => usageSlotTests(context));
    describe('targets of calls', () => egressTests(context));
    describe('certificates', () => acmeTests(context));
    describe('leases', () => leaseTests(context));
    describe('violations', () => violationTests(context));
    describe('errors of log forwarding', () => forwardingErrorTests(context));
    describe('sessions', () => sessionTests(context));
    describe('spent tokens', () => spentTokenTests(context));
    describe('marks of code', () => codeMarkTests(context));
    describe('nodes that joined the cluster', () => memberTests(context));
    describe('nodes that servers have heard', () => clusterNodeTests(context));
    describe('entries of the audit log', () => notedTests(context));
    test('migrations that ran are listed in their order, with the time of each', async () => {
      const before = await store.appliedMigrations();
      expect(before.length).toBeGreaterThan(20);
      for (const [index, { name, at }] of before.entries()) {
        expect(name).toMatch(new RegExp(`^${String(index + 1).padStart(4, '0')}-[a-z-]+$`));
        expect(Date.now() - (at ?? 0)).toBeLessThan(600_000);
      }
      await reopen();
      expect(await store.appliedMigrations()).toEqual(before);
    });
    describe('two stores on one database', () => sharingTests(context));
  });
}
