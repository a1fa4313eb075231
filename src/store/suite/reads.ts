/** Runs every query of the store, for tests of their plans. */
import type { Store } from '../types/store.ts';
import { all, domainRow } from './context.ts';

/** It deletes the namespace at the end. */
export async function readAll(stores: Omit<Store, 'close' | typeof Symbol.asyncDispose>): Promise<void> {
  const { entities, activations, feeds, deliveries, accepted, keys, apis, namespaces, holdings } = stores;
  const { changes, leases, usage, usageSlots, egress, domains, forwardingErrors } = stores;
  for (const filter of [{}, { package: 'p' }, { link: 'guest/t' }, { shared: true }] as const) {
    await entities.list({ ...all, collection: 'rules', ...filter });
    await entities.count({ ...all, collection: 'rules', ...filter });
  }
  await entities.get('guest', 'a');
  await entities.countByCodeDigest('d');
  await entities.codeAfter('d', 10);
  await entities.actionsWithCode('d');
  await entities.earlierCode('guest', 'a');
  for (const inPackage of [undefined, 'p']) await entities.earlierDigests('guest', inPackage);
  for (const filter of [
    {},
    { path: 'a' },
    { since: 1 },
    { upto: 1 },
    { path: 'a', since: 1, upto: 1 },
    { failed: true },
    { failed: true, since: 1 },
    { calls: true },
    { calls: true, failed: true, since: 1 },
    { startKind: 'cold' },
    { startKind: 'warm', since: 1 },
    { startKind: 'cold', path: 'a' },
    { startKind: 'warm', path: 'a' },
  ] as const) {
    await activations.list({ ...all, ...filter });
    await activations.list({ ...all, ...filter, upto: 2 ** 50, skip: 20_500, brief: true });
    await activations.count({ namespace: 'guest', ...filter });
  }
  await activations.briefs('guest', ['a']);
  await Array.fromAsync(activations.outcomes('guest', ['a'], 10));
  await activations.get('guest', 'a');
  await activations.logs('guest', 'a');
  await activations.input('guest', 'a');
  await activations.prune({ namespace: 'guest', keep: 0, max: 10 });
  await accepted.get('guest', 'a');
  await accepted.pending(10);
  await accepted.countsByNamespace();
  await accepted.adopt('b', 10);
  await accepted.needsCode('d');
  await feeds.due(1, 10);
  await feeds.waiting(10);
  await feeds.waiting(10, { namespace: 'guest', trigger: 'a' });
  await feeds.nextDue();
  await feeds.byToken('a');
  await deliveries.due(1, 10);
  await deliveries.nextDue();
  for (const filter of [{}, { rule: 'r' }]) await deliveries.dead({ ...all, ...filter });
  await deliveries.countDead('guest');
  await deliveries.countDead('guest', 'r');
  await keys.byId('k');
  await keys.list('guest');
  await apis.list('guest');
  const claim = domainRow('a.example');
  await domains.put(claim, 10);
  await domains.prove(claim, undefined, 5);
  await domains.get('guest', 'a.example');
  await domains.list('guest');
  await domains.owner('a.example');
  await domains.proved('', 10);
  await domains.delete('guest', 'a.example');
  await namespaces.byKeyId('k');
  await namespaces.usage({ skip: 0, limit: 30 });
  await holdings.get('guest');
  await changes.since((await changes.since()).position);
  await changes.prune(-1000);
  for (const namespace of ['guest', undefined])
    await usage.days({ namespace, since: 1, until: 9 }, { day: 1, namespace: 'a', createdAt: 1 }, 10);
  await usage.sample('guest', 1, 1);
  await usage.forget(1);
  for (const filter of [{}, { namespace: 'guest' }, { namespace: 'guest', action: 'a' }])
    await egress.list(filter, undefined, 10);
  await egress.forget(1, 10);
  await forwardingErrors.get('guest');
  for (const expected of [undefined, {}]) await forwardingErrors.replace('guest', {}, expected);
  const range = { minutes: 5, since: 1, until: 9 } as const;
  await usageSlots.sums(range);
  await usageSlots.count(range);
  await usageSlots.slots(range, ['guest', 'a']);
  await usageSlots.forget(5, 1, 10);
  await leases.take({ name: 'work', holder: 'a', ms: 1 });
  await leases.renew({ name: 'work', token: 1 }, 1);
  await activations.evict({ namespace: 'guest', keepBytes: 0, endedBefore: 1, max: 10 });
  await namespaces.delete('guest');
}
