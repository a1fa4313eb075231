/** What every implementation of `Store` must do. Each runs it from its own test file, with its own opener. */
import { afterEach, beforeEach, describe } from 'vitest';
import { acceptedTests } from './suite/accepted.ts';
import { activationTests, listTests } from './suite/activations.ts';
import { namespaceRow, type StorePlace } from './suite/context.ts';
import { entityTests } from './suite/entities.ts';
import { namespaceTests } from './suite/namespaces.ts';
import { sharingTests } from './suite/sharing.ts';
import type { Store } from './types.ts';

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
    describe('entities', () => entityTests(context));
    describe('activations', () => activationTests(context));
    describe('activation lists', () => listTests(context));
    describe('accepted invocations', () => acceptedTests(context));
    describe('two at a time', () => sharingTests(context));
  });
}
