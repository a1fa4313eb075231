/**
 * The parts of the OCI runtime configuration that Ward writes (runtime-spec 1.2, config.md and
 * config-linux.md). Immutable data; what isn't here, Ward never sets.
 */
export interface OciSpec {
  readonly ociVersion: '1.1.0';
  readonly hostname: string;
  readonly root: { readonly path: string; readonly readonly: boolean };
  readonly process: OciProcess;
  readonly mounts: readonly OciMount[];
  readonly linux: OciLinux;
}

export interface OciProcess {
  readonly terminal: false;
  readonly user: { readonly uid: number; readonly gid: number; readonly umask: number };
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly capabilities: OciCapabilities;
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj: number;
  readonly rlimits: readonly OciRlimit[];
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
}

export interface OciCapabilities {
  readonly bounding: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly ambient: readonly string[];
}

interface OciRlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

export interface OciMount {
  readonly destination: string;
  readonly type: 'proc' | 'tmpfs' | 'bind';
  readonly source: string;
  readonly options: readonly string[];
}

export interface OciLinux {
  readonly cgroupsPath: string;
  readonly rootfsPropagation: 'private';
  readonly namespaces: readonly { readonly type: string; readonly path?: string }[];
  readonly uidMappings: readonly OciIdMapping[];
  readonly gidMappings: readonly OciIdMapping[];
  readonly resources: OciResources;
  readonly devices: readonly [];
  readonly sysctl?: Readonly<Record<string, string>>;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly seccomp: OciSeccomp;
  readonly mountLabel?: string;
}

export interface OciIdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface OciResources {
  readonly devices: readonly OciDeviceRule[];
  readonly memory: { readonly limit: number; readonly swap?: number; readonly swappiness?: number };
  readonly cpu: { readonly shares?: number; readonly quota: number; readonly period: number };
  readonly pids: { readonly limit: number };
  readonly blockIO?: OciBlockIo;
  readonly unified?: Readonly<Record<string, string>>;
}

export interface OciDeviceRule {
  readonly allow: boolean;
  readonly type?: 'c';
  readonly major?: number;
  readonly minor?: number;
  readonly access: string;
}

export interface OciBlockIo {
  readonly weight?: number;
  readonly throttleReadBpsDevice?: readonly OciThrottle[];
  readonly throttleWriteBpsDevice?: readonly OciThrottle[];
}

interface OciThrottle {
  readonly major: number;
  readonly minor: number;
  readonly rate: number;
}

type OciSeccompAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL' | 'SCMP_ACT_KILL_PROCESS';

export interface OciSeccomp {
  readonly defaultAction: OciSeccompAction;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciSyscallRule[];
}

export interface OciSyscallRule {
  readonly names: readonly string[];
  readonly action: OciSeccompAction;
  readonly errnoRet?: number;
  readonly args?: readonly OciSeccompArgument[];
}

interface OciSeccompArgument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo?: number;
  readonly op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
}
