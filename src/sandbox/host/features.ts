/** The features of this machine as plain data, inspected once when a sandbox host is opened. */
import type { CgroupFeatures } from '../cgroup/types.ts';
import type { Inherited } from '../inherited.ts';
import type { RuntimeName } from '../types.ts';

export interface LsmFeatures {
  readonly landlock: boolean;
  /** Names of loaded AppArmor profiles; undefined when AppArmor is off. */
  readonly apparmorProfiles: ReadonlySet<string> | undefined;
  /** The path of `apparmor_parser`, where AppArmor is on and the program is installed. */
  readonly apparmorParser: string | undefined;
  readonly selinux: 'enforcing' | 'permissive' | 'off';
}

export interface RuntimeFeatures {
  readonly name: RuntimeName;
  readonly path: string;
  readonly version: string;
  /** It can mount /proc with `hidepid=2,subset=pid`. */
  readonly procSubset: boolean;
  /** It supports the time namespace by itself. */
  readonly timeNamespace: boolean;
  /** SELinux lets it start programs under the stock label of containers. */
  readonly containerLabel: boolean;
  /** CVEs that the distribution's package names as fixed, even if its version is older than the fix. */
  readonly packageFixes: readonly string[];
}

/** A whole disk by the numbers of the block io controller. */
export interface Disk {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

export interface HostFeatures {
  readonly kernel: string;
  readonly arch: 'x64' | 'arm64';
  readonly isolated: boolean;
  readonly cgroup: CgroupFeatures;
  readonly lsm: LsmFeatures;
  /** Names as in /proc/self/ns: `user`, `time`, … */
  readonly namespaces: ReadonlySet<string>;
  readonly disks: readonly Disk[];
  /** Limits that can be set on a process and all its descendants. */
  readonly inherited: ReadonlySet<Inherited>;
  /** Why this host can't give a sandbox a way out; undefined when nothing is known to be missing. */
  readonly egressObstacle: string | undefined;
}
