/**
 * Who may connect to whom. Both namespaces deny everything first; each policy then allows one role what it needs. A
 * plug-in of the cluster's network enforces them (Calico, Cilium …); without one they do nothing.
 *
 * Connections of sandboxes are sockets of the invoker, so the policy of invokers limits them too.
 */
import type {
  NetworkPolicy,
  NetworkPolicyEgressRule,
  NetworkPolicyPeer,
} from 'kubernetes-types/networking/v1.js';
import { apiName } from './api.ts';
import { invokerName } from './invoker.ts';
import { migrateName } from './migrate.ts';
import { apiPort, type Component, metaOf, selectorOf } from './names.ts';
import type { Settings } from './settings.ts';

type PolicyStart = NetworkPolicy & Required<Pick<NetworkPolicy, 'spec'>>;

export function networkPolicies(settings: Settings): NetworkPolicy[] {
  const { api, invokers } = settings.namespaces;
  return [
    denyAll(api),
    apiPolicy(settings),
    migratePolicy(settings),
    denyAll(invokers),
    invokerPolicy(settings),
  ];
}

function denyAll(namespace: string): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metaOf('default-deny', namespace),
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  };
}

function apiPolicy({ namespaces, engines, ingress, monitoring }: Settings): NetworkPolicy {
  const policy = policyOf(apiName, namespaces.api, 'api');
  const port = [{ port: apiPort, protocol: 'TCP' }];
  return {
    ...policy,
    spec: {
      ...policy.spec,
      ingress: [
        { from: ingress.peers, ports: port },
        { from: monitoring.peers, ports: port },
        { from: [podsOf(namespaces.invokers, 'invoker')], ports: port },
      ],
      egress: [
        nameServers(),
        engine(engines.storePeers, engines.storePort),
        engine(engines.busPeers, engines.busPort),
        engine(engines.blobsPeers, engines.blobsPort),
      ],
    },
  };
}

function migratePolicy({ namespaces, engines }: Settings): NetworkPolicy {
  const policy = policyOf(migrateName, namespaces.api, 'migrate');
  return {
    ...policy,
    spec: { ...policy.spec, egress: [nameServers(), engine(engines.storePeers, engines.storePort)] },
  };
}

/** Nobody connects to an invoker. It reaches neither the database nor the blobs. */
function invokerPolicy({ namespaces, engines, ingress }: Settings): NetworkPolicy {
  const policy = policyOf(invokerName, namespaces.invokers, 'invoker');
  return {
    ...policy,
    spec: {
      ...policy.spec,
      egress: [
        nameServers(),
        engine(engines.busPeers, engines.busPort),
        // For an `invoker.join` with the public URL of the API. The controller's own ports are not those of the URL.
        { to: ingress.peers },
        { to: [podsOf(namespaces.api, 'api')], ports: [{ port: apiPort, protocol: 'TCP' }] },
      ],
    },
  };
}

/** For operators who allow functions to connect to somewhere. */
export function sandboxEgressPolicy({ namespaces, sandboxEgress }: Settings): NetworkPolicy {
  const policy = policyOf('ward-sandboxes', namespaces.invokers, 'invoker');
  return {
    ...policy,
    spec: { ...policy.spec, policyTypes: ['Egress'], egress: [{ to: sandboxEgress.peers }] },
  };
}

function policyOf(name: string, namespace: string, component: Component): PolicyStart {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metaOf(name, namespace, component),
    spec: { podSelector: { matchLabels: selectorOf(component) }, policyTypes: ['Ingress', 'Egress'] },
  };
}

/** The cluster's own, in any namespace whose pods have the usual label. */
function nameServers(): NetworkPolicyEgressRule {
  return {
    to: [{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }],
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
  };
}

function engine(peers: NetworkPolicyPeer[], port: number): NetworkPolicyEgressRule {
  return { to: peers, ports: [{ port, protocol: 'TCP' }] };
}

function podsOf(namespace: string, component: Component): NetworkPolicyPeer {
  return {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    podSelector: { matchLabels: selectorOf(component) },
  };
}
