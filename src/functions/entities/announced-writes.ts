/** Announces each write of what other servers have in their caches or let in, so that they can get a hint. */
import type { Store } from '../../store/index.ts';

/** @param announce must not throw; undefined: nothing is told */
export function announceWrites(store: Store, announce: (() => void) | undefined): Store {
  if (announce === undefined) return store;
  const told =
    <Args extends readonly unknown[], T>(write: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      const outcome = await write(...args);
      announce();
      return outcome;
    };
  const { namespaces, namespaceMembers, keys, sessions, entities, apis, domains } = store;
  return {
    ...store,
    namespaces: {
      ...namespaces,
      create: told(namespaces.create),
      update: told(namespaces.update),
      putSettings: told(namespaces.putSettings),
      delete: told(namespaces.delete),
    },
    keys: {
      ...keys,
      create: told(keys.create),
      delete: told(keys.delete),
      logOut: told(keys.logOut),
    },
    namespaceMembers: { ...namespaceMembers, endLogins: told(namespaceMembers.endLogins) },
    // A new one can end an old one.
    sessions: { ...sessions, create: told(sessions.create), end: told(sessions.end) },
    entities: {
      ...entities,
      put: told(entities.put),
      delete: told(entities.delete),
      deleteTree: told(entities.deleteTree),
    },
    apis: { ...apis, put: told(apis.put), delete: told(apis.delete) },
    domains: {
      ...domains,
      put: told(domains.put),
      prove: told(domains.prove),
      delete: told(domains.delete),
    },
  };
}
