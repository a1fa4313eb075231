import type { HostFeatures, RuntimeFeatures } from '../host/features.ts';
import type { SandboxPolicy } from '../policy.ts';

/** Everything that determines the configuration. */
export interface SpecInput {
  readonly policy: SandboxPolicy;
  readonly host: HostFeatures;
  readonly runtime: RuntimeFeatures;
  readonly rootDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly codeDir: string | undefined;
  /** A folder with device files for this sandbox; undefined: the runtime makes them. */
  readonly deviceDir: string | undefined;
  /** The sandbox's group, from `CgroupTree.ociPath`. */
  readonly cgroupPath: string;
  /** The first host uid and gid of its range of 65536. */
  readonly firstId: number;
  /** Path of a `setpriv` in the image that can apply Landlock, if there is one. */
  readonly landlockLauncher: string | undefined;
  /** Network namespace and /etc/resolv.conf of a sandbox with egress rules. */
  readonly network: { readonly namespace: string; readonly resolvConf: string } | undefined;
}
