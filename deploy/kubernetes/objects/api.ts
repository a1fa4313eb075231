/** API nodes: as many as you like, without rights, without a disk of their own that matters. */
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Container, PodSpec, Probe, Service, ServiceAccount } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { apiVariables, configFile, configMapName } from './config.ts';
import { apiPort, metaOf, selectorOf, wardUser } from './names.ts';
import {
  blobsVariables,
  busVariable,
  secretNames,
  secretVolume,
  storeVariable,
  vaultVariable,
} from './secrets.ts';
import type { Settings } from './settings.ts';

/** Name of the Deployment, the Service and others. */
export const apiName = 'ward-api';

/** Time in which a load balancer learns that a pod ends; Ward refuses connections from the signal on. */
const leaveSeconds = 5;
/** Ward stops within 25 seconds (docs/operations.md). */
const graceSeconds = leaveSeconds + 35;

export function apiDeployment(settings: Settings): Deployment {
  const { namespaces, api } = settings;
  const labels = selectorOf('api');
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metaOf(apiName, namespaces.api, 'api'),
    spec: {
      replicas: api.replicas,
      selector: { matchLabels: labels },
      // A new pod serves before an old one leaves.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
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
          containers: [apiContainer(settings)],
          volumes: [
            ...unprivilegedVolumes(api.dataSize),
            secretVolume('metrics', secretNames.metrics, 'token'),
          ],
        },
      },
    },
  };
}

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
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/** A container that runs `ward` with these words, with nothing to write to but its volumes. */
export function unprivilegedContainer(
  name: string,
  args: string[],
  settings: Settings,
): Container & { volumeMounts: NonNullable<Container['volumeMounts']> } {
  return {
    name,
    image: settings.image.name,
    args,
    env: [...apiVariables(settings), storeVariable(), busVariable(), ...blobsVariables(), vaultVariable()],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/ward/config', readOnly: true },
      { name: 'data', mountPath: '/var/lib/ward' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'store', mountPath: '/etc/ward/store', readOnly: true },
    ],
  };
}

export function unprivilegedVolumes(dataSize: string): NonNullable<PodSpec['volumes']> {
  return [
    { name: 'config', configMap: { name: configMapName('api') } },
    { name: 'data', emptyDir: { sizeLimit: dataSize } },
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
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: apiName },
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

function apiContainer(settings: Settings): Container {
  const container = unprivilegedContainer('ward', ['up', '--role', 'api', '--config', configFile], settings);
  return {
    ...container,
    ports: [{ name: 'http', containerPort: apiPort, protocol: 'TCP' }],
    resources: settings.api.resources,
    // A start may upgrade the database.
    startupProbe: { ...probe('/ping'), periodSeconds: 2, failureThreshold: 60 },
    livenessProbe: { ...probe('/ping'), periodSeconds: 10, failureThreshold: 6 },
    readinessProbe: { ...probe('/ping?ready'), periodSeconds: 5, failureThreshold: 2 },
    lifecycle: { preStop: { exec: { command: ['/usr/bin/sleep', String(leaveSeconds)] } } },
    volumeMounts: [
      ...container.volumeMounts,
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
