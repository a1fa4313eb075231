/**
 * The Pod Security Standards as checks of a pod: what the admission of Kubernetes would refuse under `enforce`. Tests
 * hold the manifests to them without a cluster.
 *
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/ (version 1.34)
 */
import type {
  Container,
  PodSecurityContext,
  PodSpec,
  SecurityContext,
  Volume,
} from 'kubernetes-types/core/v1.js';

export interface PodSecurityFinding {
  /** As the standard names it. */
  readonly control: string;
  /** `containers[ward].securityContext.privileged`. */
  readonly field: string;
}

type Check = (pod: PodSpec) => readonly string[];
type PlacedContainer = readonly [path: string, container: Container];

const baseline: Readonly<Record<string, Check>> = {
  HostProcess: inContexts(({ windowsOptions }) => windowsOptions?.hostProcess !== true, 'windowsOptions'),
  'Host Namespaces': (pod) =>
    (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((field) => pod[field] === true),
  'Privileged Containers': inContainers(({ privileged }) => privileged !== true, 'privileged'),
  Capabilities: inContainers(
    ({ capabilities }) => (capabilities?.add ?? []).every((name) => defaultCapabilities.has(name)),
    'capabilities.add',
  ),
  'HostPath Volumes': inVolumes((volume) => volume.hostPath === undefined),
  'Host Ports': (pod) =>
    containersOf(pod).flatMap(([path, { ports = [] }]) =>
      ports.every(({ hostPort = 0 }) => hostPort === 0) ? [] : [`${path}.ports`],
    ),
  'Host Probes / Lifecycle Hooks': (pod) =>
    containersOf(pod).flatMap(([path, container]) =>
      hooksOf(container).flatMap(([name, hook]) =>
        [hook?.httpGet, hook?.tcpSocket].every((target) => !target?.host) ? [] : [`${path}.${name}`],
      ),
    ),
  AppArmor: inContexts(({ appArmorProfile }) => appArmorProfile?.type !== 'Unconfined', 'appArmorProfile'),
  SELinux: inContexts(
    ({ seLinuxOptions }) =>
      seLinuxTypes.has(seLinuxOptions?.type ?? '') && !seLinuxOptions?.user && !seLinuxOptions?.role,
    'seLinuxOptions',
  ),
  '/proc Mount Type': inContainers(({ procMount = 'Default' }) => procMount === 'Default', 'procMount'),
  Seccomp: inContexts(({ seccompProfile }) => seccompProfile?.type !== 'Unconfined', 'seccompProfile'),
  Sysctls: ({ securityContext }) =>
    (securityContext?.sysctls ?? [])
      .filter(({ name }) => !safeSysctls.has(name))
      .map(({ name }) => `securityContext.sysctls[${name}]`),
};

const restricted: Readonly<Record<string, Check>> = {
  'Volume Types': inVolumes((volume) =>
    Object.keys(volume).every((kind) => kind === 'name' || volumeKinds.has(kind)),
  ),
  'Privilege Escalation': inContainers(
    ({ allowPrivilegeEscalation }) => allowPrivilegeEscalation === false,
    'allowPrivilegeEscalation',
  ),
  'Running as Non-root': inherited(({ runAsNonRoot }) => runAsNonRoot === true, 'runAsNonRoot'),
  'Running as Non-root user': inContexts(({ runAsUser }) => runAsUser !== 0, 'runAsUser'),
  'Seccomp (restricted)': inherited(
    ({ seccompProfile }) => ['RuntimeDefault', 'Localhost'].includes(seccompProfile?.type ?? ''),
    'seccompProfile',
  ),
  'Capabilities (restricted)': inContainers(
    ({ capabilities }) =>
      capabilities?.drop?.includes('ALL') === true &&
      (capabilities.add ?? []).every((name) => name === 'NET_BIND_SERVICE'),
    'capabilities',
  ),
};

const checks = { ...baseline, ...restricted };

/** Of the standard's level `restricted`, which includes `baseline`. */
export const podSecurityControls: readonly string[] = Object.keys(checks);

/** What of the pod the level `restricted` forbids; nothing for a pod that it admits. */
export function podSecurityFindings(pod: PodSpec): readonly PodSecurityFinding[] {
  return Object.entries(checks).flatMap(([control, check]) =>
    check(pod).map((field) => ({ control, field })),
  );
}

/** Those that a container has by default. */
const defaultCapabilities: ReadonlySet<string> = new Set([
  ...['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE'],
  ...['SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT'],
]);
const seLinuxTypes: ReadonlySet<string> = new Set([
  ...['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'],
]);
const safeSysctls: ReadonlySet<string> = new Set([
  ...['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.ip_unprivileged_port_start'],
  ...['net.ipv4.tcp_syncookies', 'net.ipv4.ping_group_range', 'net.ipv4.ip_local_reserved_ports'],
  ...['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl'],
  'net.ipv4.tcp_keepalive_probes',
]);
const volumeKinds: ReadonlySet<string> = new Set([
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected'],
  'secret',
]);

function containersOf({ initContainers = [], containers }: PodSpec): readonly PlacedContainer[] {
  return [
    ...initContainers.map((each): PlacedContainer => [`initContainers[${each.name}]`, each]),
    ...containers.map((each): PlacedContainer => [`containers[${each.name}]`, each]),
  ];
}

function hooksOf({ startupProbe, livenessProbe, readinessProbe, lifecycle }: Container) {
  return Object.entries({ startupProbe, livenessProbe, readinessProbe, ...lifecycle });
}

function inVolumes(isAllowed: (volume: Volume) => boolean): Check {
  return ({ volumes = [] }) =>
    volumes.filter((volume) => !isAllowed(volume)).map(({ name }) => `volumes[${name}]`);
}

/** Each container's own. */
function inContainers(isAllowed: (context: SecurityContext) => boolean, field: string): Check {
  return (pod) =>
    containersOf(pod).flatMap(([path, { securityContext = {} }]) =>
      isAllowed(securityContext) ? [] : [`${path}.securityContext.${field}`],
    );
}

/** The pod's, and each container's. */
function inContexts(
  isAllowed: (context: SecurityContext & PodSecurityContext) => boolean,
  field: string,
): Check {
  const inEach = inContainers(isAllowed, field);
  return (pod) => [
    ...(isAllowed(pod.securityContext ?? {}) ? [] : [`securityContext.${field}`]),
    ...inEach(pod),
  ];
}

/** Each container's, or the pod's where a container says nothing. */
function inherited(
  isAllowed: (context: SecurityContext & PodSecurityContext) => boolean,
  field: 'runAsNonRoot' | 'seccompProfile',
): Check {
  return (pod) =>
    inContainers(
      (own) => isAllowed(own[field] === undefined ? (pod.securityContext ?? {}) : own),
      field,
    )(pod);
}
