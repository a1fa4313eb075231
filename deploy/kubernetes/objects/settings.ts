/**
 * What an operator changes in the manifests. The defaults are the values of the Helm chart; kustomize's base is
 * rendered with them, and overlays patch it. Secrets are never values: the objects name them (`secrets.ts`).
 */
import type { ResourceRequirements, Toleration } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicyPeer } from 'kubernetes-types/networking/v1.js';

/** Groups of values. An empty list of peers would allow every address: the API of Kubernetes wants it so. */
export interface Settings {
  readonly image: {
    /** With its tag or its digest. */
    readonly name: string;
    readonly pullSecrets: { name: string }[];
  };
  readonly namespaces: {
    /** False: they exist already, with the labels that `namespaces.ts` gives them. */
    readonly create: boolean;
    readonly api: string;
    readonly invokers: string;
  };
  readonly api: {
    readonly replicas: number;
    /** URL under which the world reaches the API. */
    readonly url: string;
    /** `ward.yaml` of API nodes. */
    readonly config: string;
    readonly resources: ResourceRequirements;
    /** Disk of a pod, for its identity, uploads and caches. */
    readonly dataSize: string;
  };
  readonly autoscaling: {
    readonly enabled: boolean;
    readonly minReplicas: number;
    readonly maxReplicas: number;
    /** Percent of the requested processor time. */
    readonly cpuPercent: number;
  };
  readonly invoker: {
    /** `ward.yaml` of invokers. */
    readonly config: string;
    /** Addresses of the API for invokers, with commas between them. */
    readonly join: string;
    readonly resources: ResourceRequirements;
    readonly nodeSelector: { [label: string]: string };
    readonly tolerations: Toleration[];
    /** Longer than a stop takes: 15 seconds more than the `stop.drainSeconds` of its configuration. */
    readonly graceSeconds: number;
  };
  readonly sandboxEgress: {
    /** False: the sandboxes reach nothing outside of the cluster, even where `sandbox.allow.egress` allows it. */
    readonly enabled: boolean;
    readonly peers: NetworkPolicyPeer[];
  };
  readonly engines: {
    /** `s3://BUCKET/PREFIX?endpoint=URL&region=R`. */
    readonly blobs: string;
    readonly storePeers: NetworkPolicyPeer[];
    readonly storePort: number;
    readonly busPeers: NetworkPolicyPeer[];
    readonly busPort: number;
    readonly blobsPeers: NetworkPolicyPeer[];
    readonly blobsPort: number;
  };
  readonly ingress: {
    readonly enabled: boolean;
    readonly className: string;
    readonly host: string;
    /** A Secret of type `kubernetes.io/tls`. */
    readonly tlsSecret: string;
    readonly annotations: { [name: string]: string };
    /** The controller's pods. */
    readonly peers: NetworkPolicyPeer[];
  };
  readonly monitoring: {
    /** Needs the Prometheus Operator. */
    readonly enabled: boolean;
    readonly interval: string;
    /** Prometheus' pods. */
    readonly peers: NetworkPolicyPeer[];
  };
}

export const defaultSettings: Settings = {
  image: { name: 'registry.example.org/ward:0.1.0', pullSecrets: [] },
  namespaces: { create: true, api: 'ward', invokers: 'ward-invokers' },
  api: {
    replicas: 2,
    url: 'https://ward.example.org',
    config: [
      '# The controller of the Ingress: Ward counts public calls by the address that it forwards.',
      'web:',
      '  trustedProxies: [10.0.0.0/8]',
      'parameters:',
      '  keyFile: /etc/ward/credentials/vault',
      'metrics:',
      '  tokenFile: /etc/ward/metrics/token',
      '# As long as a call may take that does not ask for more.',
      'stop:',
      '  drainSeconds: 60',
      '',
    ].join('\n'),
    // With 1 GiB of memory Ward is as fast as it can be (docs/operations.md); large requests need more.
    resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } },
    dataSize: '20Gi',
  },
  autoscaling: { enabled: false, minReplicas: 2, maxReplicas: 6, cpuPercent: 60 },
  invoker: {
    config: [
      '# The pod requests this and 1 GiB for Ward itself: the kubelet does not see the groups of the sandboxes.',
      'invoker:',
      '  memoryMiB: 4096',
      'stop:',
      '  drainSeconds: 60',
      '',
    ].join('\n'),
    join: 'http://ward-api.ward.svc:3233',
    resources: { requests: { cpu: '2', memory: '5Gi' } },
    nodeSelector: { 'ward.io/invoker': 'true' },
    tolerations: [{ key: 'ward.io/invoker', operator: 'Exists', effect: 'NoSchedule' }],
    graceSeconds: 85,
  },
  sandboxEgress: {
    enabled: false,
    // The internet, without private networks and the addresses at which clouds give out keys.
    peers: [
      {
        ipBlock: {
          cidr: '0.0.0.0/0',
          except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
        },
      },
      { ipBlock: { cidr: '::/0', except: ['fc00::/7', 'fe80::/10'] } },
    ],
  },
  engines: {
    blobs: 's3://ward/cluster?region=eu-central-1',
    storePeers: [inNamespaceLabelled('ward.io/store')],
    storePort: 5432,
    busPeers: [inNamespaceLabelled('ward.io/bus')],
    busPort: 4222,
    blobsPeers: [inNamespaceLabelled('ward.io/blobs')],
    blobsPort: 443,
  },
  ingress: {
    enabled: true,
    className: 'nginx',
    host: 'ward.example.org',
    tlsSecret: 'ward-tls',
    annotations: {
      // A path always reaches the same API node, so its function is warm there.
      'nginx.ingress.kubernetes.io/upstream-hash-by': '$uri',
      // Ward has limits of its own; layers of images can be several GiB large.
      'nginx.ingress.kubernetes.io/proxy-body-size': '0',
      'nginx.ingress.kubernetes.io/proxy-request-buffering': 'off',
      // A blocking call says nothing until it has its answer.
      'nginx.ingress.kubernetes.io/proxy-read-timeout': '120',
    },
    peers: [inNamespaceLabelled('ward.io/ingress')],
  },
  monitoring: {
    enabled: false,
    interval: '30s',
    peers: [inNamespaceLabelled('ward.io/monitoring')],
  },
};

/** All pods of the namespaces that have this label. */
function inNamespaceLabelled(label: string): NetworkPolicyPeer {
  return { namespaceSelector: { matchLabels: { [label]: 'true' } } };
}
