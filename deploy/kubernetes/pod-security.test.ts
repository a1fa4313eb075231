import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { apiStatefulSet } from './objects/api.ts';
import { invokerDaemonSet } from './objects/invoker.ts';
import { migrateJob } from './objects/migrate.ts';
import { defaultSettings } from './objects/settings.ts';
import { podSecurityControls, podSecurityFindings } from './pod-security.ts';

type Template = { readonly spec?: { readonly template: { readonly spec?: PodSpec } } };

function podOf({ spec }: Template): PodSpec {
  if (spec?.template.spec === undefined) throw new Error('it has no pod');
  return spec.template.spec;
}

const api = podOf(apiStatefulSet(defaultSettings));
const [ward] = api.containers;
if (ward === undefined) throw new Error('it has no container');

test('the Pod Security Standard `restricted` admits API nodes and the migration', () => {
  expect(podSecurityFindings(api)).toEqual([]);
  expect(podSecurityFindings(podOf(migrateJob(defaultSettings)))).toEqual([]);
  for (const { securityContext } of [...(api.initContainers ?? []), ...api.containers])
    expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
});

test('an invoker goes beyond `restricted` in these points and no others', () => {
  expect(podSecurityFindings(podOf(invokerDaemonSet(defaultSettings)))).toEqual([
    { control: 'Privileged Containers', field: 'containers[ward].securityContext.privileged' },
    { control: 'HostPath Volumes', field: 'volumes[data]' },
    { control: 'HostPath Volumes', field: 'volumes[run]' },
    { control: 'HostPath Volumes', field: 'volumes[cgroup]' },
    { control: 'Volume Types', field: 'volumes[data]' },
    { control: 'Volume Types', field: 'volumes[run]' },
    { control: 'Volume Types', field: 'volumes[cgroup]' },
    {
      control: 'Privilege Escalation',
      field: 'containers[ward].securityContext.allowPrivilegeEscalation',
    },
    { control: 'Running as Non-root', field: 'initContainers[images].securityContext.runAsNonRoot' },
    { control: 'Running as Non-root', field: 'containers[ward].securityContext.runAsNonRoot' },
    { control: 'Running as Non-root user', field: 'initContainers[images].securityContext.runAsUser' },
    { control: 'Running as Non-root user', field: 'containers[ward].securityContext.runAsUser' },
    { control: 'Seccomp (restricted)', field: 'containers[ward].securityContext.seccompProfile' },
    { control: 'Capabilities (restricted)', field: 'initContainers[images].securityContext.capabilities' },
    { control: 'Capabilities (restricted)', field: 'containers[ward].securityContext.capabilities' },
  ]);
});

/** Changes of the API's pod, each of which breaks the control, and the field that is then to blame. */
const context = (more: object): PodSpec => ({
  ...api,
  containers: [{ ...ward, securityContext: { ...ward.securityContext, ...more } }],
});
const podContext = (more: object): PodSpec => ({
  ...api,
  securityContext: { ...api.securityContext, ...more },
});
const container = (more: object): PodSpec => ({ ...api, containers: [{ ...ward, ...more }] });
const own = 'containers[ward].securityContext';
const broken: readonly (readonly [control: string, field: string, pod: PodSpec])[] = [
  ['HostProcess', `${own}.windowsOptions`, context({ windowsOptions: { hostProcess: true } })],
  ['Host Namespaces', 'hostNetwork', { ...api, hostNetwork: true }],
  ['Host Namespaces', 'hostPID', { ...api, hostPID: true }],
  ['Host Namespaces', 'hostIPC', { ...api, hostIPC: true }],
  ['Privileged Containers', `${own}.privileged`, context({ privileged: true })],
  [
    'Capabilities',
    `${own}.capabilities.add`,
    context({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }),
  ],
  ['HostPath Volumes', 'volumes[x]', { ...api, volumes: [{ name: 'x', hostPath: { path: '/' } }] }],
  ['Host Ports', 'containers[ward].ports', container({ ports: [{ containerPort: 1, hostPort: 1 }] })],
  [
    'Host Probes / Lifecycle Hooks',
    'containers[ward].livenessProbe',
    container({ livenessProbe: { httpGet: { port: 1, host: '169.254.169.254' } } }),
  ],
  ['AppArmor', 'securityContext.appArmorProfile', podContext({ appArmorProfile: { type: 'Unconfined' } })],
  ['SELinux', 'securityContext.seLinuxOptions', podContext({ seLinuxOptions: { type: 'spc_t' } })],
  ['SELinux', `${own}.seLinuxOptions`, context({ seLinuxOptions: { user: 'system_u' } })],
  ['/proc Mount Type', `${own}.procMount`, context({ procMount: 'Unmasked' })],
  ['Seccomp', `${own}.seccompProfile`, context({ seccompProfile: { type: 'Unconfined' } })],
  [
    'Sysctls',
    'securityContext.sysctls[kernel.msgmax]',
    podContext({ sysctls: [{ name: 'kernel.msgmax', value: '1' }] }),
  ],
  ['Volume Types', 'volumes[x]', { ...api, volumes: [{ name: 'x', nfs: { server: 'a', path: '/' } }] }],
  [
    'Privilege Escalation',
    `${own}.allowPrivilegeEscalation`,
    context({ allowPrivilegeEscalation: undefined }),
  ],
  ['Running as Non-root', `${own}.runAsNonRoot`, podContext({ runAsNonRoot: undefined })],
  ['Running as Non-root', `${own}.runAsNonRoot`, context({ runAsNonRoot: false })],
  ['Running as Non-root user', 'securityContext.runAsUser', podContext({ runAsUser: 0 })],
  ['Running as Non-root user', `${own}.runAsUser`, context({ runAsUser: 0 })],
  ['Seccomp (restricted)', `${own}.seccompProfile`, podContext({ seccompProfile: undefined })],
  ['Capabilities (restricted)', `${own}.capabilities`, context({ capabilities: { drop: ['CHOWN'] } })],
  [
    'Capabilities (restricted)',
    `${own}.capabilities`,
    context({ capabilities: { drop: ['ALL'], add: ['CHOWN'] } }),
  ],
];

test.each(broken)('%s: finds %s', (control, field, pod) => {
  expect(podSecurityFindings(pod)).toContainEqual({ control, field });
});

test('each control has such a pod', () => {
  expect([...new Set(broken.map(([control]) => control))]).toEqual(podSecurityControls);
});
