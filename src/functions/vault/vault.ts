/**
 * Encrypts what users entrust to Ward: parameters, payloads in queues, keys that feeds were given.
 *
 * AES-256-GCM under a key of the namespace, which is derived from a master key by HKDF-SHA256, so a leaked key of one
 * namespace cannot decrypt another's. A sealed text is `w1:ID:DATA`: the id of its master key, and base64url of nonce
 * (96 random bits), ciphertext and tag. The place that it belongs to is authenticated with it, so a text that was
 * moved to another entity, parameter or namespace cannot be decrypted. The first master key encrypts; all of them
 * decrypt.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomFillSync,
} from 'node:crypto';
import { BoundedMap, isJsonObject, type JsonObject, type JsonValue } from '../../lib/index.ts';
import { corrupt } from '../entities/entity-row.ts';
import type { Parameter } from '../entities/key-values.ts';
import { functionFault } from '../faults.ts';

export interface Vault {
  /**
   * Seals parameters for the store: names stay readable, values are encrypted.
   * @param place what they belong to (`ns/[pkg/]name`); they cannot be decrypted anywhere else
   */
  sealParameters(parameters: readonly Parameter[], place: string): JsonValue;
  /** @throws Fault STORED_ENTITY_CORRUPT if they were tampered with, VAULT_KEY_MISSING */
  openParameters(stored: JsonValue, place: string): readonly Parameter[];
  /** Encrypts any JSON value to one text. */
  seal(value: JsonValue, place: string): string;
  /** @throws Fault STORED_ENTITY_CORRUPT, VAULT_KEY_MISSING */
  open(sealed: string, place: string): JsonValue;
}

/** A master key. */
export interface VaultKey {
  /** Up to 32 letters, digits, `-` and `_`. */
  readonly id: string;
  /** 32 bytes. */
  readonly secret: Uint8Array;
}

/** The first one encrypts. */
export type VaultKeys = readonly [VaultKey, ...VaultKey[]];

/** Returns the master keys. `lately` includes those that another process may have added just now. */
export type VaultKeySource = (lately?: 'lately') => VaultKeys;

const form = 'w1';
const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
/** Number of derived keys that are cached per master key. */
const keptKeys = 10_000;

export function createVault(keys: VaultKeySource): Vault {
  const keyFor = derivedKeys();

  const encrypt = (value: JsonValue, context: string, place: string): string => {
    const [key] = keys();
    const nonce = newNonce();
    const cipher = createCipheriv(algorithm, keyFor(key, namespaceOf(place)), nonce, {
      authTagLength: tagBytes,
    });
    cipher.setAAD(Buffer.from(context));
    const parts = [nonce, cipher.update(JSON.stringify(value), 'utf8'), cipher.final(), cipher.getAuthTag()];
    return `${form}:${key.id}:${Buffer.concat(parts).toString('base64url')}`;
  };
  const decrypt = (sealed: string, context: string, place: string): JsonValue => {
    const [id, data] = partsOf(sealed);
    const isIt = (each: VaultKey) => each.id === id;
    const key = keys().find(isIt) ?? keys('lately').find(isIt);
    if (key === undefined) throw keyMissing(id, place);
    try {
      return JSON.parse(decipher(data, keyFor(key, namespaceOf(place)), context));
    } catch {
      // Without its cause, because a parser's message may quote the decrypted text.
      throw corrupt();
    }
  };

  return {
    sealParameters: (parameters, place) =>
      parameters.map(({ key, value, init }) => {
        const mark: JsonObject = init === true ? { init } : {};
        if (value === null) return { key, value, ...mark };
        return { key, sealed: encrypt(value, contextOf(place, key, init === true), place), ...mark };
      }),
    openParameters(stored, place) {
      if (!Array.isArray(stored)) throw corrupt();
      return stored.map((entry: unknown) => {
        const { key, init, value, sealed } = parameterOf(entry);
        const opened =
          sealed === undefined ? value : decrypt(sealed, contextOf(place, key, init === true), place);
        if (opened === undefined) throw corrupt();
        return init === true ? { key, value: opened, init } : { key, value: opened };
      });
    },
    seal: (value, place) => encrypt(value, contextOf(place), place),
    open: (sealed, place) => decrypt(sealed, contextOf(place), place),
  };
}

/** The id of the master key that sealed a text. Undefined if it is not a sealed text. */
export function sealingKeyOf(text: string): string | undefined {
  return /^w1:([\w-]{1,32}):[\w-]+$/.exec(text)?.[1];
}

/** What is authenticated with a value. Neither places nor the words before them can contain a NUL. */
function contextOf(place: string, key?: string, init?: boolean): string {
  if (key === undefined) return `value\0${place}`;
  return `${init === true ? 'init' : 'parameter'}\0${place}\0${key}`;
}

function namespaceOf(place: string): string {
  const end = place.indexOf('/');
  return end === -1 ? place : place.slice(0, end);
}

function partsOf(sealed: string): readonly [id: string, data: Buffer] {
  const id = sealingKeyOf(sealed);
  if (id === undefined) throw corrupt();
  return [id, Buffer.from(sealed.slice(form.length + id.length + 2), 'base64url')];
}

function decipher(data: Buffer, key: KeyObject, context: string): string {
  const end = data.length - tagBytes;
  const opened = createDecipheriv(algorithm, key, data.subarray(0, nonceBytes), { authTagLength: tagBytes });
  opened.setAAD(Buffer.from(context));
  opened.setAuthTag(data.subarray(Math.max(nonceBytes, end)));
  return opened.update(data.subarray(nonceBytes, end), undefined, 'utf8') + opened.final('utf8');
}

interface StoredParameter {
  readonly key: string;
  readonly init?: boolean;
  /** Unencrypted: `null`, and what an earlier version of Ward wrote. */
  readonly value?: JsonValue | undefined;
  readonly sealed?: string;
}

/** @throws Fault STORED_ENTITY_CORRUPT */
function parameterOf(entry: unknown): StoredParameter {
  if (!isJsonObject(entry)) throw corrupt();
  const { key, init, value, sealed } = entry;
  if (typeof key !== 'string' || (init !== undefined && typeof init !== 'boolean')) throw corrupt();
  const mark = init === undefined ? {} : { init };
  if (sealed === undefined) return { key, value, ...mark };
  if (typeof sealed !== 'string') throw corrupt();
  return { key, sealed, ...mark };
}

function keyMissing(id: string, place: string) {
  return functionFault('VAULT_KEY_MISSING', `the key '${id}', which decrypts ${place}, is missing`, {
    hint: 'put the key back into the key file or into WARD_PARAMETER_KEYS, behind the one that encrypts',
  });
}

/** Refilled when used up, because a system call costs more than a nonce. No byte is used twice. */
const nonces = Buffer.allocUnsafeSlow(256 * nonceBytes);
let usedBytes = nonces.length;

function newNonce(): Buffer {
  if (usedBytes === nonces.length) {
    randomFillSync(nonces);
    usedBytes = 0;
  }
  usedBytes += nonceBytes;
  return nonces.subarray(usedBytes - nonceBytes, usedBytes);
}

/** Caches the keys of namespaces with the master key that they are derived from. */
function derivedKeys(): (master: VaultKey, namespace: string) => KeyObject {
  const kept = new WeakMap<VaultKey, Map<string, KeyObject>>();
  return (master, namespace) => {
    const known = kept.get(master) ?? new BoundedMap<string, KeyObject>(keptKeys);
    kept.set(master, known);
    let key = known.get(namespace);
    if (key === undefined) {
      const info = `ward ${form} ${namespace}`;
      // A key object is set up once; bytes would be set up with each use.
      key = createSecretKey(Buffer.from(hkdfSync('sha256', master.secret, Buffer.alloc(0), info, keyBytes)));
      known.set(namespace, key);
    }
    return key;
  };
}
