import type { HostFeatures, RuntimeFeatures } from '../host/features.ts';
import type { SandboxPolicy } from '../policy.ts';

/** Everything that the configuration follows from. */
export interface SpecInput {
  readonly policy: SandboxPolicy;
  readonly host: HostFeatures;
  readonly runtime: RuntimeFeatures;
  readonly rootDir: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly codeDir: string | undefined;
  /** A folder with device files of the sandbox's own; without it the runtime makes them. */
  readonly deviceDir: string | undefined;
  /** The sandbox's group, as `CgroupTree.ociPath` gives it. */
  readonly cgroupPath: string;
  /** The first host uid and gid of its range of 65536. */
  readonly firstId: number;
  /** The absolute path inside the sandbox of a `setpriv` that can apply Landlock, when there is one. */
  readonly landlockLauncher: string | undefined;
  /** A network namespace and a file for /etc/resolv.conf, of one that may reach something. */
  readonly network: { readonly namespace: string; readonly resolvConf: string } | undefined;
}
