/**
 * One invoker on each node of the cluster that has the label. It is a part of the node, as the kubelet is, and has the
 * node's rights: who controls it controls the node. The functions in its sandboxes have no rights.
 */
import type { DaemonSet } from 'kubernetes-types/apps/v1.js';
import type { Container, ServiceAccount, Volume, VolumeMount } from 'kubernetes-types/core/v1.js';
import { configFile, configMapName, configVariable } from './config.ts';
import { metaOf, selectorOf } from './names.ts';
import { ownerOnly, secretNames } from './secrets.ts';
import type { Settings } from './settings.ts';

export const invokerName = 'ward-invoker';

/** `kubectl describe` shows it. */
const privilegedWhy = [
  'Makes mounts, namespaces, control groups and network devices for its sandboxes,',
  'and tries out what the kernel enforces for them. The sandboxes have no capability.',
].join(' ');

/** Folders of the node that outlive a pod: path in the pod and on the node, and why. */
const nodeFolders = {
  // Images, the code of functions, the invoker's certificate. An overlay's upper layer can't lie in a pod's own layer.
  data: '/var/lib/ward',
  // Locks by which Wards of one kernel find out what others left behind.
  run: '/run/ward',
  // The root of the hierarchy: only there may a group have both processes and controllers for groups below it.
  cgroup: '/sys/fs/cgroup',
} as const;

export function invokerDaemonSet(settings: Settings): DaemonSet {
  const { namespaces, invoker, image } = settings;
  const labels = selectorOf('invoker');
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: metaOf(invokerName, namespaces.invokers, 'invoker'),
    spec: {
      selector: { matchLabels: labels },
      // The old pod has ended before the new one starts: two would want the same folders.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels, annotations: { 'ward.io/privileged-because': privilegedWhy } },
        spec: {
          serviceAccountName: invokerName,
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          imagePullSecrets: image.pullSecrets,
          nodeSelector: invoker.nodeSelector,
          tolerations: invoker.tolerations,
          terminationGracePeriodSeconds: invoker.graceSeconds,
          initContainers: [imagesContainer(settings)],
          containers: [invokerContainer(settings)],
          volumes: [
            { name: 'config', configMap: { name: configMapName('invoker') } },
            // Optional: an invoker that has its certificate needs no token.
            {
              name: 'join',
              secret: { secretName: secretNames.join, defaultMode: ownerOnly, optional: true },
            },
            ...Object.entries(nodeFolders).map(([name, path]) => nodeFolder(name, path)),
          ],
        },
      },
    },
  };
}

export function invokerServiceAccount({ namespaces }: Settings): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metaOf(invokerName, namespaces.invokers, 'invoker'),
    automountServiceAccountToken: false,
  };
}

/** Copies the runtime images of this version to the node. They are packed layers; the invoker unpacks them. */
function imagesContainer({ image }: Settings): Container {
  return {
    name: 'images',
    image: image.name,
    command: [
      '/usr/bin/cp',
      '--archive',
      '--no-target-directory',
      '/opt/ward-images',
      '/var/lib/ward/images',
    ],
    securityContext: {
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      // Root of the node's folder, with the right to give files to the user `ward`.
      capabilities: { drop: ['ALL'], add: ['CHOWN', 'FOWNER', 'DAC_OVERRIDE'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    volumeMounts: [{ name: 'data', mountPath: nodeFolders.data }],
  };
}

const joinFolder = '/etc/ward/join';
const invokerFolder = `${nodeFolders.data}/invoker`;
/** Ward has it while it takes calls. */
const readyFile = `${invokerFolder}/ready`;
const supervisor = '/opt/ward/src/sandbox/isolation/supervise.sh';

/** Runs the words after it. Kubernetes replaces `$(NAME)` only by a variable of that name. */
export const startScript = [
  // A killed invoker left it, and it would make this pod ready.
  `rm -f ${readyFile}`,
  // The name of the Kubernetes node. Names of Ward's nodes have no dots, and those of Kubernetes no underscores.
  `WARD_NODE=$(printf %s "$KUBERNETES_NODE" | tr . _)`,
  'export WARD_NODE',
  // The token for this node, or the one for all nodes, if there is one. Ward reads it: an environment would show it.
  `for token in ${joinFolder}/$WARD_NODE ${joinFolder}/all.nodes; do`,
  '  if [ -f "$token" ]; then set -- "$@" --token-file "$token"; break; fi',
  'done',
  // Ward takes the process that starts it into its isolation, with another /proc. If that were the first process of the
  // container, the readiness probe and `kubectl exec` could start no program there.
  `exec /bin/sh ${supervisor} outside "$@"`,
].join('\n');

function invokerContainer(settings: Settings): Container {
  const { image, invoker } = settings;
  return {
    name: 'ward',
    image: image.name,
    command: ['/bin/sh', '-euc', startScript, 'ward'],
    args: ['/opt/ward/node_modules/.bin/node', '/opt/ward/bin/ward.mjs', 'up', '--role', 'invoker'],
    env: [
      // One name for the machine, however often its pod is replaced.
      { name: 'KUBERNETES_NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
      { name: 'WARD_CONFIG', value: configFile },
      configVariable('WARD_JOIN', 'invoker', 'join'),
      { name: 'WARD_DATA', value: invokerFolder },
      { name: 'WARD_IMAGES', value: '/var/lib/ward/images' },
      configVariable('WARD_API_HOST', 'invoker', 'url'),
    ],
    resources: invoker.resources,
    // Without it, the next pod would be replaced while this one starts, and no invoker would be left.
    readinessProbe: {
      exec: { command: ['/usr/bin/test', '-e', readyFile] },
      ...{ initialDelaySeconds: 2, periodSeconds: 2, timeoutSeconds: 5 },
    },
    securityContext: { privileged: true, runAsUser: 0 },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/ward/config', readOnly: true },
      { name: 'join', mountPath: joinFolder, readOnly: true },
      ...Object.entries(nodeFolders).map(([name, mountPath]): VolumeMount => ({ name, mountPath })),
    ],
  };
}

function nodeFolder(name: string, path: string): Volume {
  const type = path.startsWith('/sys/') ? 'Directory' : 'DirectoryOrCreate';
  return { name, hostPath: { path, type } };
}
