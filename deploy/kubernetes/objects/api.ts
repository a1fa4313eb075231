/**
 * API nodes: as many as you like, without rights. The bus knows a node by its name and its certificate, so a pod keeps
 * both when it is replaced: the name is that of a StatefulSet's pod, and the certificate is on a disk of its own.
 */
import type { StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Container, PodSpec, Probe, Service, ServiceAccount } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { apiFolder, apiVariables, configMapName } from './config.ts';
import { apiPort, metaOf, selectorOf, wardUser } from './names.ts';
import {
  apiCredentials,
  authorityFile,
  blobsSecretMount,
  blobsSecretScript,
  blobsSecretVolume,
  blobsVariable,
  busVariable,
  credentialsMount,
  credentialsVariable,
  credentialsVolume,
  secretNames,
  secretVolume,
  storeVariable,
} from './secrets.ts';
import type { Settings } from './settings.ts';

/** Name of the StatefulSet, the Service and others. */
export const apiName = 'ward-api';

/** Time in which a load balancer learns that a pod ends; Ward refuses connections from the signal on. */
const leaveSeconds = 5;
/** Longer than a stop takes with the `stop.drainSeconds` of the settings (docs/operations.md). */
const graceSeconds = leaveSeconds + 85;

export function apiStatefulSet(settings: Settings): StatefulSet {
  const { namespaces, api } = settings;
  const labels = selectorOf('api');
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      replicas: api.replicas,
      selector: { matchLabels: labels },
      serviceName: apiName,
      // No node needs another one to start.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate' },
      template: {
        metadata: { labels },
        spec: {
          ...unprivilegedPod(settings),
          serviceAccountName: apiName,
          terminationGracePeriodSeconds: graceSeconds,
          topologySpreadConstraints: [
            spread('kubernetes.io/hostname'),
            spread('topology.kubernetes.io/zone'),
          ],
          initContainers: [folderContainer(settings)],
          containers: [apiContainer(settings)],
          volumes: [
            ...unprivilegedVolumes(),
            credentialsVolume(apiCredentials),
            blobsSecretVolume,
            // Optional: the first node makes the authority.
            secretVolume('authority', secretNames.authority, 'authority.pem', true),
            secretVolume('metrics', secretNames.metrics, 'token'),
          ],
        },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: api.dataSize } } },
        },
      ],
    },
  };
}

/**
 * Makes the data folder, which has to belong to Ward's user, and puts the authority into it. Kubernetes lets the pod's
 * group read the files of a Secret, and may let it read those of the disk as well; Ward refuses such a file of keys.
 */
export const folderScript = [
  `mkdir -p -m 700 ${apiFolder} ${apiFolder}/cluster`,
  `chmod -R go= ${apiFolder}/cluster`,
  `if [ -f ${authorityFile} ]; then install -m 600 ${authorityFile} ${apiFolder}/cluster/authority.pem; fi`,
].join('\n');

/** What the pod and its container have in common with the migration. @see deploy/kubernetes/pod-security.ts */
export function unprivilegedPod(settings: Settings): Omit<PodSpec, 'containers'> {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    imagePullSecrets: settings.image.pullSecrets,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: wardUser,
      runAsGroup: wardUser,
      fsGroup: wardUser,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/** A container that reads the configuration and reaches the database, with nothing to write to but its volumes. */
export function unprivilegedContainer(
  name: string,
  settings: Settings,
): Container & { volumeMounts: NonNullable<Container['volumeMounts']> } {
  return {
    name,
    image: settings.image.name,
    env: [...apiVariables(), storeVariable(), credentialsVariable],
    securityContext: unprivileged,
    volumeMounts: [
      { name: 'config', mountPath: '/etc/ward/config', readOnly: true },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'store', mountPath: '/etc/ward/store', readOnly: true },
      credentialsMount,
    ],
  };
}

export function unprivilegedVolumes(): NonNullable<PodSpec['volumes']> {
  return [
    { name: 'config', configMap: { name: configMapName('api') } },
    { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
    // For `sslrootcert` in the URL, when a private authority signs the database's certificate.
    secretVolume('store', secretNames.store, 'ca.crt', true),
  ];
}

export function apiServiceAccount({ namespaces }: Settings): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    automountServiceAccountToken: false,
  };
}

export function apiService({ namespaces }: Settings): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      type: 'ClusterIP',
      selector: selectorOf('api'),
      // Server-side apply of older clusters needs the protocol.
      ports: [{ name: 'http', port: apiPort, targetPort: 'http', protocol: 'TCP' }],
    },
  };
}

export function apiDisruptionBudget({ namespaces }: Settings): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      maxUnavailable: 1,
      selector: { matchLabels: selectorOf('api') },
      // A pod that is not ready serves nobody, so it must not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}

export function apiAutoscaler({ namespaces, autoscaling }: Settings): HorizontalPodAutoscaler {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: apiName },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: [
        {
          type: 'Resource',
          resource: {
            name: 'cpu',
            target: { type: 'Utilization', averageUtilization: autoscaling.cpuPercent },
          },
        },
      ],
      // Each pod that comes or goes moves paths to nodes where their functions are cold.
      behavior: { scaleDown: { stabilizationWindowSeconds: 600 } },
    },
  };
}

const unprivileged: NonNullable<Container['securityContext']> = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};
const dataMount = { name: 'data', mountPath: '/var/lib/ward' };

function folderContainer({ image }: Settings): Container {
  return {
    name: 'folder',
    image: image.name,
    command: ['/bin/sh', '-euc', `${blobsSecretScript}\n${folderScript}`],
    // So `kubectl describe pod` shows why it failed.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: unprivileged,
    volumeMounts: [
      dataMount,
      { name: 'authority', mountPath: '/etc/ward/authority', readOnly: true },
      blobsSecretMount,
    ],
  };
}

function apiContainer(settings: Settings): Container {
  const container = unprivilegedContainer('ward', settings);
  return {
    ...container,
    args: ['up', '--role', 'api'],
    env: [...(container.env ?? []), busVariable(), blobsVariable()],
    ports: [{ name: 'http', containerPort: apiPort, protocol: 'TCP' }],
    resources: settings.api.resources,
    // A start may upgrade the database.
    startupProbe: { ...probe('/ping'), periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...probe('/ping'), periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...probe('/ping?ready'), periodSeconds: 5, failureThreshold: 2 },
    lifecycle: { preStop: { exec: { command: ['/usr/bin/sleep', String(leaveSeconds)] } } },
    volumeMounts: [
      ...container.volumeMounts,
      dataMount,
      { name: 'metrics', mountPath: '/etc/ward/metrics', readOnly: true },
    ],
  };
}

function probe(path: string): Probe {
  return { httpGet: { path, port: 'http' }, timeoutSeconds: 5 };
}

function spread(topologyKey: string) {
  return {
    topologyKey,
    maxSkew: 1,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf('api') },
  } as const;
}
