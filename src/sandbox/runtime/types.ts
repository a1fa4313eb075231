/** One OCI runtime behind one contract: how it is started, cleaned up after, and how it says what went wrong. */
import type { RuntimeFeatures } from '../host/features.ts';
import type { OciSpec } from '../oci-config.ts';
import type { RuntimeName } from '../types.ts';

/** Where a sandbox's files are. */
export interface RunPaths {
  readonly id: string;
  readonly bundleDir: string;
  /** The runtime's own state, shared by the sandboxes of one Ward instance. */
  readonly stateDir: string;
  /** The runtime's own log: never mixed with the program's stderr. */
  readonly logFile: string;
  /** There is a device in its network namespace. */
  readonly hasNetwork?: boolean;
}

export interface RuntimeDriver {
  readonly name: RuntimeName;
  /** Program name on the search path. */
  readonly program: string;
  /** It joins the sandbox's control group instead of making it; Ward writes the limits. */
  readonly joinsCgroup: boolean;
  /** Its sandboxes' loopback is in a kernel of its own, which nothing of the host can enter. */
  readonly ownsNetwork: boolean;
  /** Its sandboxes take over the clocks of the process that starts it, which may be shifted. */
  keepsClocks(features: RuntimeFeatures): boolean;
  /** Adapts the configuration to what this runtime takes. */
  adapt(spec: OciSpec): OciSpec;
  /** Runs in the foreground until the program has ended, and leaves the cgroup behind to be read. */
  runArgv(features: RuntimeFeatures, paths: RunPaths, hasChannel: boolean): string[];
  /** The folder that is all it keeps of a sandbox without processes; undefined when only its own command knows. */
  stateOf(paths: RunPaths): string | undefined;
  /** Removes what is left of it, running or not. */
  deleteArgv(features: RuntimeFeatures, paths: RunPaths): string[];
  /** What the runtime's log says about a failed start; '' when it says nothing bad. */
  errorIn(log: string): string;
}
