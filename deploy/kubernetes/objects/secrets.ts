/**
 * The Secrets that the operator creates; the manifests only name them. `docs/kubernetes.md` has how to make each, and a
 * test compares it with the pods.
 */
import type { EnvVar, Volume } from 'kubernetes-types/core/v1.js';

export const secretNames = {
  store: 'ward-store',
  bus: 'ward-bus',
  blobs: 'ward-blobs',
  vault: 'ward-vault',
  metrics: 'ward-metrics',
  authority: 'ward-authority',
  join: 'ward-join',
} as const;

/** A URL that may contain a password. */
export function storeVariable(): EnvVar {
  return { name: 'WARD_STORE', ...fromSecret(secretNames.store, 'url') };
}

/** A URL that may contain a password. Invokers get the addresses from the cluster. */
export function busVariable(): EnvVar {
  return { name: 'WARD_BUS', ...fromSecret(secretNames.bus, 'url') };
}

/** The names that AWS's clients read. Optional: a node can have a role instead. */
export function blobsVariables(): EnvVar[] {
  return [
    { name: 'AWS_ACCESS_KEY_ID', ...fromSecret(secretNames.blobs, 'access-key-id', true) },
    { name: 'AWS_SECRET_ACCESS_KEY', ...fromSecret(secretNames.blobs, 'secret-access-key', true) },
  ];
}

/**
 * In the environment: Ward writes a new key into a file of keys, and a Secret would not have it. Ward refuses to rotate
 * keys that are in the environment.
 */
export function vaultVariable(): EnvVar {
  return { name: 'WARD_PARAMETER_KEYS', ...fromSecret(secretNames.vault, 'keys') };
}

/** Where API pods find the authority of the cluster. */
export const authorityFile = '/etc/ward/authority/authority.pem';

/** A volume of one key of a Secret. */
export function secretVolume(name: string, secretName: string, key: string, optional = false): Volume {
  const items = [{ key, path: key }];
  return { name, secret: { secretName, items, ...(optional ? { optional } : {}) } };
}

function fromSecret(name: string, key: string, optional = false): Pick<EnvVar, 'valueFrom'> {
  return { valueFrom: { secretKeyRef: { name, key, ...(optional ? { optional } : {}) } } };
}
