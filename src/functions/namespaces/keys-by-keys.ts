/**
 * Keys that a key makes for its own namespace. No key makes one that may do more than itself, or that works longer. Only
 * the key of a login is exempt from the second: it is short because the login is, and its person may make keys that stay.
 */
import type { Store } from '../../store/index.ts';
import { functionFault } from '../faults.ts';
import { createKey, type KeyRequest, type NewKey } from './further-keys.ts';
import { actorOf, type Identity } from './identities.ts';
import { isWithin, parseKeyScope } from './key-scopes.ts';
import { invalidAuthentication } from './keys.ts';

type KeyStores = Pick<Store, 'keys' | 'namespaces'>;

interface MakingKey {
  /** Who is named as the maker of its keys. */
  readonly name: string;
  /** When its keys end at the latest; epoch milliseconds. */
  readonly mostExpiresAt: number | null;
}

/**
 * @param maker whose right to make keys was checked
 * @throws Fault KEY_INVALID, KEY_TOO_WIDE, KEYS_EXHAUSTED, and AUTHENTICATION_INVALID when the maker was deleted meanwhile
 */
export async function createKeyByKey(
  stores: KeyStores,
  maker: Identity,
  request: KeyRequest,
  now: number,
): Promise<NewKey> {
  const scope = parseKeyScope(request.scope);
  if (!isWithin(scope, maker.scope))
    throw tooWide(`A key of the scope '${maker.scope}' makes none of the scope '${scope}'.`);
  const { name, mostExpiresAt } = await mustFind(stores, maker);
  const { expiresAt = mostExpiresAt } = request;
  if (mostExpiresAt !== null && (expiresAt === null || expiresAt > mostExpiresAt))
    throw tooWide('A key makes none that works longer than itself.');
  const made = await createKey(stores.keys, maker.namespace, { ...request, expiresAt, maker: name }, now);
  try {
    await mustFind(stores, maker);
  } catch (error) {
    await stores.keys.delete(maker.namespace, made.keyId);
    throw error;
  }
  return made;
}

/** Looks in the store: what is cached may have been revoked a moment ago. @throws Fault AUTHENTICATION_INVALID */
async function mustFind({ keys, namespaces }: KeyStores, maker: Identity): Promise<MakingKey> {
  const { namespace, keyId } = maker;
  const found = await keys.byId(keyId);
  const isOfPerson = found !== undefined && found.person !== null;
  if (isOfPerson) return { name: found.maker ?? actorOf(maker), mostExpiresAt: null };
  if (found !== undefined) return { name: actorOf(maker), mostExpiresAt: found.expiresAt };
  const owner = await namespaces.byName(namespace);
  if (owner?.keyId !== keyId) throw invalidAuthentication();
  return { name: actorOf(maker), mostExpiresAt: null };
}

function tooWide(message: string) {
  return functionFault('KEY_TOO_WIDE', message, {
    hint: 'ask for a narrower scope or an earlier end',
  });
}
