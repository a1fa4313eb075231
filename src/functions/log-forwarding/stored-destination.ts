/** The destination of a namespace's logs among its settings, encrypted as a whole, because most of it can be a secret. */
import { createHash } from 'node:crypto';
import { type Destination, parseDestination } from '../../forwarding/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import { corrupt } from '../entities/entity-row.ts';
import type { Vault } from '../vault/vault.ts';

const key = 'logForwarding';

/** What the vault binds it to. No entity has such a path. */
export function forwardingPlace(namespace: string): string {
  return `${namespace}/ log forwarding`;
}

/** @param destination undefined: none */
export function withDestination(
  { [key]: _, ...settings }: JsonObject,
  destination: Destination | undefined,
  namespace: string,
  vault: Vault,
): JsonObject {
  if (destination === undefined) return settings;
  return { ...settings, [key]: vault.seal(destination.given, forwardingPlace(namespace)) };
}

/** Another one after each write of the destination, also of the same one. Undefined: there is none. */
export function forwardingRevision(settings: JsonObject): string | undefined {
  const sealed = settings[key];
  if (typeof sealed !== 'string') return undefined;
  return createHash('sha256').update(sealed).digest('hex').slice(0, 16);
}

/** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
export function destinationIn(
  settings: JsonObject,
  namespace: string,
  vault: Vault,
): Destination | undefined {
  const sealed = settings[key];
  if (sealed === undefined) return undefined;
  if (typeof sealed !== 'string') throw corrupt();
  return parseDestination(vault.open(sealed, forwardingPlace(namespace)));
}
