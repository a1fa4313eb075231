/**
 * The closed list of mechanisms that confine a sandbox, each with the attack vector that it answers. `ward doctor`
 * proves them, `ward sandbox explain` names them, and a policy may require them.
 */
export const vectors = ['noisy neighbours', 'within containers', 'external world'] as const;
export type Vector = (typeof vectors)[number];

export const mechanisms = {
  'memory-limit': 'noisy neighbours',
  'cpu-limit': 'noisy neighbours',
  'pids-limit': 'noisy neighbours',
  'io-limit': 'noisy neighbours',
  'tmpfs-limit': 'noisy neighbours',
  'resource-limits': 'noisy neighbours',
  freezer: 'noisy neighbours',
  'user-namespace': 'within containers',
  'pid-namespace': 'within containers',
  'mount-namespace': 'within containers',
  'ipc-namespace': 'within containers',
  'uts-namespace': 'within containers',
  'cgroup-namespace': 'within containers',
  'time-namespace': 'within containers',
  seccomp: 'within containers',
  'no-capabilities': 'within containers',
  'no-new-privileges': 'within containers',
  'read-only-root': 'within containers',
  'minimal-dev': 'within containers',
  'hidden-proc': 'within containers',
  landlock: 'within containers',
  'landlock-scope': 'within containers',
  'no-write-execute': 'within containers',
  'core-scheduling': 'within containers',
  'speculation-control': 'within containers',
  apparmor: 'within containers',
  selinux: 'within containers',
  'host-isolation': 'within containers',
  'network-namespace': 'external world',
  egress: 'external world',
} as const satisfies Readonly<Record<string, Vector>>;

export type Mechanism = keyof typeof mechanisms;

export function isMechanism(name: string): name is Mechanism {
  return Object.hasOwn(mechanisms, name);
}

/** All names, in the order of reports. */
export const mechanismNames: readonly Mechanism[] = Object.keys(mechanisms).filter(isMechanism);
