/** Changes to a sandbox's configuration, each of which removes one mechanism. The user namespace always stays. */

import { capabilityNames, type Mechanism, type OciMount, type OciSpec } from '../../sandbox/index.ts';
import type { Facts } from '../types.ts';
import { decoyDevices, decoyFiles } from './decoys.ts';

/** An OCI configuration, which Ward no longer checks. */
type WeakSpec = Omit<OciSpec, 'linux' | 'mounts' | 'hostname'> & {
  readonly hostname?: string;
  readonly mounts: readonly (Omit<OciMount, 'type'> & { readonly type: string })[];
  readonly linux: Omit<OciSpec['linux'], 'seccomp'> & { readonly seccomp?: OciSpec['linux']['seccomp'] };
};

interface Beside {
  readonly facts: Facts;
  readonly decoyFile: string;
  /** A process of a sandbox that already runs. */
  readonly neighbourPid: number | undefined;
}

type Remove = (spec: WeakSpec, beside: Beside) => WeakSpec;

const factor = 4;
const openDev = ['nosuid', 'mode=777', 'size=1m'];

const removals = {
  seccomp: ({ linux: { seccomp: _, ...linux }, ...spec }) => ({ ...spec, linux }),
  landlock: (spec) =>
    withProcess(spec, { args: spec.process.args.slice(spec.process.args.indexOf('--') + 1) }),
  'no-capabilities': (spec) => {
    const all = capabilityNames;
    return withProcess(spec, {
      user: { ...spec.process.user, uid: 0, gid: 0 },
      capabilities: { bounding: all, effective: all, inheritable: all, permitted: all, ambient: all },
    });
  },
  'no-new-privileges': (spec) => withProcess(spec, { noNewPrivileges: false }),
  'hidden-proc': ({ mounts, linux, ...spec }) => ({
    ...spec,
    mounts: mounts.map((mount) =>
      mount.type === 'proc' ? { ...mount, options: ['nosuid', 'noexec', 'nodev'] } : mount,
    ),
    linux: { ...linux, maskedPaths: [], readonlyPaths: [] },
  }),
  'read-only-root': ({ root, ...spec }) => ({ ...spec, root: { ...root, readonly: false } }),
  'minimal-dev': ({ mounts, ...spec }, { decoyFile }) => ({
    ...spec,
    mounts: [
      ...mounts.map((mount) => (mount.destination === '/dev' ? { ...mount, options: openDev } : mount)),
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid'] },
      ...decoyDevices.map((path) => boundOf(path, decoyFile)),
    ],
  }),
  'tmpfs-limit': ({ mounts, ...spec }) => ({
    ...spec,
    mounts: mounts.map((mount) =>
      mount.type === 'tmpfs' && mount.destination !== '/dev'
        ? { ...mount, options: ['mode=1777', 'size=50%'] }
        : mount,
    ),
  }),
  'resource-limits': (spec) => withProcess(spec, { rlimits: [] }),
  /**
   * Also removes the settings of its network that limit uncounted memory; such sandboxes have no socket watch either.
   */
  'memory-limit': ({ linux: { sysctl: _, ...linux }, ...spec }) =>
    withResources({ ...spec, linux }, ({ memory }) => ({ memory: { limit: memory.limit * factor } })),
  'pids-limit': (spec) =>
    withProcess(
      withResources(spec, ({ pids }) => ({ pids: { limit: pids.limit * factor } })),
      { rlimits: [] },
    ),
  'cpu-limit': (spec) => withResources(spec, ({ cpu }) => ({ cpu: { ...cpu, quota: cpu.period } })),
  // Ward's own start sets this for its descendants; sandboxes without controls start without it.
  'no-write-execute': (spec) => spec,
  // All of them have the same ids: the configuration can't change that.
  'user-namespace': (spec) => spec,
  'network-namespace': sharedNamespace('network', 'net'),
  'ipc-namespace': sharedNamespace('ipc', 'ipc'),
  'uts-namespace': ({ hostname: _, ...spec }, beside) => withoutNamespace('uts')(spec, beside),
  'cgroup-namespace': withoutNamespace('cgroup'),
  'time-namespace': withoutNamespace('time'),
  /** Mounts a folder of the host that every user may read (the suite's own), and /sys. */
  'mount-namespace': ({ mounts, ...spec }, { facts: { secretFile }, decoyFile }) => {
    const folder = secretFile.slice(0, secretFile.lastIndexOf('/'));
    return {
      ...spec,
      mounts: [
        ...mounts,
        boundOf(folder, folder),
        ...decoyFiles.map((path) => boundOf(path, decoyFile)),
        { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev'] },
      ],
    };
  },
} as const satisfies Partial<Record<Mechanism, Remove>>;

export type Removal = keyof typeof removals;

export function isRemoval(name: string): name is Removal {
  return Object.hasOwn(removals, name);
}

/** Pure. */
export function withoutControls(spec: WeakSpec, removed: readonly Removal[], beside: Beside): WeakSpec {
  return removed.reduce<WeakSpec>((left, name) => removals[name](left, beside), spec);
}

function withProcess(spec: WeakSpec, changes: Partial<WeakSpec['process']>): WeakSpec {
  return { ...spec, process: { ...spec.process, ...changes } };
}

type Resources = OciSpec['linux']['resources'];

function withResources(spec: WeakSpec, change: (resources: Resources) => Partial<Resources>): WeakSpec {
  const { linux } = spec;
  return { ...spec, linux: { ...linux, resources: { ...linux.resources, ...change(linux.resources) } } };
}

function withoutNamespace(kind: string): Remove {
  return ({ linux, ...spec }) => ({
    ...spec,
    linux: { ...linux, namespaces: linux.namespaces.filter(({ type }) => type !== kind) },
  });
}

/** Joins the namespace of the sandbox beside it; without one, the host's. */
function sharedNamespace(kind: string, file: string): Remove {
  return (spec, beside) => {
    const { neighbourPid } = beside;
    if (neighbourPid === undefined) return withoutNamespace(kind)(spec, beside);
    const path = `/proc/${neighbourPid}/ns/${file}`;
    const namespaces = spec.linux.namespaces.map((one) => (one.type === kind ? { type: kind, path } : one));
    return { ...spec, linux: { ...spec.linux, namespaces } };
  };
}

function boundOf(destination: string, source: string): WeakSpec['mounts'][number] {
  return { destination, type: 'bind', source, options: ['bind', 'rw'] };
}
