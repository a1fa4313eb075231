/**
 * Namespaces: a new one gives capabilities over the kernel's largest attack surface, another's gives access to its
 * world.
 */
import type { Mechanism } from '../../sandbox/index.ts';
import type { Technique } from '../types.ts';

const head = { vector: 'escape', control: 'seccomp' } as const;

const own = 'it is a namespace of the kernel in user space, which gives no access to the host';

export const namespaceTechniques: readonly Technique[] = [
  unshare('user', 'CVE-2022-0185, CVE-2023-32233, user_namespaces(7)'),
  unshare('mnt', 'mount_namespaces(7)'),
  unshare('net', 'network_namespaces(7)'),
  unshare('pid', 'pid_namespaces(7)'),
  unshare('ipc', 'ipc_namespaces(7)'),
  unshare('uts', 'uts_namespaces(7)'),
  unshare('cgroup', 'cgroup_namespaces(7), CVE-2022-0492'),
  unshare('time', 'time_namespaces(7)'),
  {
    ...head,
    name: 'clone-user-namespace',
    title: 'start a process in a new user namespace',
    reference: 'clone(2), CLONE_NEWUSER',
    expects: ['EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'clone-namespaces',
    title: 'start a process in a new namespace of any other kind',
    reference: 'clone(2)',
    expects: ['EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'clone-high-bits',
    title: 'hide clone’s namespace flags from the filter behind high bits',
    reference: 'seccomp(2), clone(2)',
    expects: ['EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'clone3-namespaces',
    title: 'start a process in a new user namespace with the call whose flags no filter can see',
    reference: 'clone3(2), seccomp(2)',
    expects: ['ENOSYS', 'EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'clone3-into-cgroup',
    title: 'start a process in another control group',
    reference: 'clone3(2), CLONE_INTO_CGROUP',
    expects: ['ENOSYS', 'EPERM'],
    harmlessInGvisor: own,
  },
  {
    ...head,
    name: 'setns-init',
    title: 'enter the namespaces of process 1',
    reference: 'setns(2)',
    expects: ['killed', 'EPERM'],
  },
  {
    ...head,
    name: 'setns-pidfd',
    title: 'enter all namespaces of a process at once',
    reference: 'setns(2), pidfd_open(2)',
    expects: ['killed', 'EPERM', 'ENOSYS'],
  },
  host('mnt', 'mount-namespace', 'mount_namespaces(7)'),
  host('pid', 'pid-namespace', 'pid_namespaces(7)'),
  host('net', 'network-namespace', 'network_namespaces(7)'),
  host('ipc', 'ipc-namespace', 'ipc_namespaces(7)'),
  host('uts', 'uts-namespace', 'uts_namespaces(7)'),
  host('user', 'user-namespace', 'user_namespaces(7)'),
  host('cgroup', 'cgroup-namespace', 'cgroup_namespaces(7)'),
  host('time', 'time-namespace', 'time_namespaces(7)'),
];

function unshare(kind: string, reference: string): Technique {
  return {
    ...head,
    name: `unshare-${kind}`,
    title: `create a new ${kind} namespace`,
    reference: `unshare(2), ${reference}`,
    expects: ['killed', 'EPERM'],
    program: 'unshare',
    parameters: { kind },
  };
}

/** Compares the namespace with the host's instead of attempting anything. */
function host(kind: string, control: Mechanism, reference: string): Technique {
  return {
    vector: 'escape',
    control,
    name: `host-namespace-${kind}`,
    title: `be in the host’s ${kind} namespace`,
    reference,
    expects: ['absent'],
    harmlessInGvisor: own,
    program: 'host-namespace',
    parameters: { kind },
  };
}
