/**
 * The Secrets that the operator creates; the manifests only name them. `docs/kubernetes.md` has how to make each, and a
 * test compares it with the pods.
 */
import type { EnvVar, Volume, VolumeMount, VolumeProjection } from 'kubernetes-types/core/v1.js';

export const secretNames = {
  store: 'ward-store',
  bus: 'ward-bus',
  blobs: 'ward-blobs',
  vault: 'ward-vault',
  metrics: 'ward-metrics',
  authority: 'ward-authority',
  join: 'ward-join',
} as const;

/** Its value is the file that AWS's clients read. */
const blobsKey = 'credentials';

/** The default would be 0644. */
export const ownerOnly = 0o400;

/** Its password is in a file (`passwordFile`), which the URL names. */
export function storeVariable(): EnvVar {
  return { name: 'WARD_STORE', ...fromSecret(secretNames.store, 'url') };
}

/** A URL that may contain a password. Invokers get the addresses from the cluster. */
export function busVariable(): EnvVar {
  return { name: 'WARD_BUS', ...fromSecret(secretNames.bus, 'url') };
}

/** The file that AWS's clients read. It may be missing: they then ask for the role of the node. */
export function blobsVariable(): EnvVar {
  return { name: 'AWS_SHARED_CREDENTIALS_FILE', value: `${credentialsFolder}/blobs` };
}

/**
 * Where API pods and the migration find secrets as files, which neither children nor `/proc/PID/environ` show. The file
 * `vault` has the keys of the vault, and `store` has the password of the database.
 */
const credentialsFolder = '/etc/ward/credentials';

/**
 * Kubernetes lets the pod's group read the files, whatever mode they have. Ward refuses files that a group can read, except
 * in the folder that this variable of systemd names.
 */
export const credentialsVariable: EnvVar = { name: 'CREDENTIALS_DIRECTORY', value: credentialsFolder };

export const credentialsMount: VolumeMount = {
  ...{ name: 'credentials', mountPath: credentialsFolder },
  readOnly: true,
};

/** `store`: the file of passwords that the URL of the database can name; optional, as the URL may have the password. */
export const storeCredentials: readonly VolumeProjection[] = [
  projection(secretNames.store, 'pgpass', 'store', true),
];

/** A pod without keys would make its own, so it does not start. */
export const apiCredentials: readonly VolumeProjection[] = [
  ...storeCredentials,
  projection(secretNames.blobs, blobsKey, 'blobs', true),
  projection(secretNames.vault, 'keys', 'vault'),
];

/**
 * All keys of the Secret of the bucket, if there is one. A projection of one key can't tell a Secret without it from no
 * Secret, and Ward would then ask for the role of the node.
 */
export const blobsSecretVolume: Volume = {
  name: 'blobs',
  secret: { secretName: secretNames.blobs, defaultMode: ownerOnly, optional: true },
};

export const blobsSecretFolder = '/etc/ward/blobs';

export const blobsSecretMount: VolumeMount = {
  ...{ name: blobsSecretVolume.name, mountPath: blobsSecretFolder },
  readOnly: true,
};

/** Fails when the Secret of the bucket has other keys, such as those of an earlier Ward. */
export const blobsSecretScript = [
  `keys=$(ls ${blobsSecretFolder} | tr '\\n' ' ')`,
  `if [ -n "$keys" ] && [ ! -e ${blobsSecretFolder}/${blobsKey} ]; then`,
  `  echo "The Secret ${secretNames.blobs} lacks the key ${blobsKey}: a credentials file of AWS. It has: $keys" >&2`,
  '  exit 1',
  'fi',
].join('\n');

export function credentialsVolume(sources: readonly VolumeProjection[]): Volume {
  return { name: 'credentials', projected: { defaultMode: ownerOnly, sources: [...sources] } };
}

/** Where API pods find the authority of the cluster. */
export const authorityFile = '/etc/ward/authority/authority.pem';

/** A volume of one key of a Secret. */
export function secretVolume(name: string, secretName: string, key: string, optional = false): Volume {
  const items = [{ key, path: key }];
  return { name, secret: { secretName, items, defaultMode: ownerOnly, ...(optional ? { optional } : {}) } };
}

function projection(name: string, key: string, path: string, optional = false): VolumeProjection {
  return { secret: { name, items: [{ key, path }], ...(optional ? { optional } : {}) } };
}

function fromSecret(name: string, key: string): Pick<EnvVar, 'valueFrom'> {
  return { valueFrom: { secretKeyRef: { name, key } } };
}
