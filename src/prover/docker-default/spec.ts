/**
 * The OCI configuration that Docker Engine generates for `docker run --network none IMAGE …` on a host without AppArmor
 * and SELinux (moby `daemon/pkg/oci/defaults.go`). Pure.
 *
 * One thing is added to protect the host: limits on memory and processes, far above what the suite uses under the
 * policy that it judges.
 */
import { type SandboxRequest, strictPolicy } from '../../sandbox/index.ts';
import { dockerDefault, dockerSeccomp } from './profile.ts';

interface DockerSpecInput {
  readonly request: Pick<SandboxRequest, 'args' | 'env' | 'cwd' | 'policy'>;
  readonly arch: 'x64' | 'arm64';
  readonly cgroupVersion: 1 | 2;
  readonly rootDir: string;
  readonly cgroupPath: string;
}

const safety = 4;

export function dockerSpec({ request, arch, cgroupVersion, rootDir, cgroupPath }: DockerSpecInput): object {
  const { capabilities, masked, readonly } = dockerDefault;
  return {
    ociVersion: '1.1.0',
    hostname: 'docker-default',
    root: { path: rootDir, readonly: false },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      cwd: request.cwd,
      args: request.args,
      env: Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      oomScoreAdj: 0,
    },
    mounts,
    linux: {
      cgroupsPath: cgroupPath,
      rootfsPropagation: 'private',
      // The cgroup namespace is private since version 20.10 on cgroup v2, and the host's on version 1.
      namespaces: ['mount', 'network', 'uts', 'pid', 'ipc', ...(cgroupVersion === 2 ? ['cgroup'] : [])].map(
        (type) => ({ type }),
      ),
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
      resources: {
        devices,
        memory: { limit: safety * Math.max(request.policy.memoryBytes, strictPolicy.memoryBytes) },
        pids: { limit: safety * Math.max(request.policy.pidsLimit, strictPolicy.pidsLimit) },
      },
      maskedPaths: masked,
      readonlyPaths: readonly,
      seccomp: dockerSeccomp(arch),
    },
  };
}

const mounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev',
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
  },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['ro', 'nosuid', 'noexec', 'nodev'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  {
    destination: '/dev/shm',
    type: 'tmpfs',
    source: 'shm',
    options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'],
  },
];

const devices = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
  ].map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
];
