/** The contract of an OCI runtime: how to start it, how to clean up after it, and how to read its errors. */
import type { RuntimeFeatures } from '../host/features.ts';
import type { OciSpec } from '../oci-config.ts';
import type { RuntimeName } from '../types.ts';

/** Paths of a sandbox's files. */
export interface RunPaths {
  readonly id: string;
  readonly bundleDir: string;
  /** The runtime's own state, which all sandboxes of a Ward instance share. */
  readonly stateDir: string;
  /** The runtime's own log, separate from the program's stderr. */
  readonly logFile: string;
  /** Whether its network namespace has a device. */
  readonly hasNetwork?: boolean;
}

export interface RuntimeDriver {
  readonly name: RuntimeName;
  /** Program name, to be found in PATH. */
  readonly program: string;
  /** Whether it joins the sandbox's control group instead of making it; Ward then writes the limits. */
  readonly joinsCgroup: boolean;
  /** Whether the loopback of its sandboxes is in its own kernel, where no process of the host can enter. */
  readonly ownsNetwork: boolean;
  /** Whether its sandboxes take over the clocks of the process that starts it, which may be shifted. */
  keepsClocks(features: RuntimeFeatures): boolean;
  /** Adapts the configuration to this runtime. */
  adapt(spec: OciSpec): OciSpec;
  /** The command that runs in the foreground until the program has ended, and leaves the cgroup for Ward to read. */
  runArgv(features: RuntimeFeatures, paths: RunPaths, hasChannel: boolean): string[];
  /**
   * The folder with all the state that it keeps of a sandbox without processes; undefined when only its own command can
   * remove that.
   */
  stateOf(paths: RunPaths): string | undefined;
  /** The command that removes what is left of a sandbox, running or not. */
  deleteArgv(features: RuntimeFeatures, paths: RunPaths): string[];
  /** The errors in the runtime's log; '' without any. */
  errorIn(log: string): string;
}
