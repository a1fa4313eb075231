/**
 * Starts sandboxes: takes a request, checks that this host meets the policy, writes the runtime's configuration, starts
 * the runtime, and returns a supervised sandbox.
 *
 * On disk, below `<runDir>/<instance>/`: `bundles/<id>/` (configuration and the runtime's log) and `<runtime>/` (that
 * runtime's state). The runtimes' files are mounted in `<runDir>/.sealed/<instance>/`. In the cgroup file system:
 * `/ward/<instance>/<id>`. Nothing else.
 */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openWaysOut, type WayOut, type WaysOut } from '../egress/index.ts';
import { isFault, type Log, messageOf, randomHex } from '../lib/index.ts';
import { openCgroupTree } from './cgroup/open.ts';
import type { CgroupTree } from './cgroup/types.ts';
import { type DeviceFolders, openDeviceFolders } from './device-folders.ts';
import { sandboxFault } from './faults.ts';
import type { HostFeatures, RuntimeFeatures } from './host/features.ts';
import { inspectHost } from './host/inspect.ts';
import { unmountBelow } from './host/mounts.ts';
import { inheritingArgv } from './inherited.ts';
import { joinSandbox } from './joined-sandbox.ts';
import { type LeftBehind, openLeftBehind } from './left-behind.ts';
import { type LsmGuard, openLsmGuard } from './lsm/apparmor.ts';
import { type DenialWatch, openDenialWatch } from './lsm/denial-watch.ts';
import { type Occupied, occupying, vacate } from './occupied.ts';
import type { SandboxPolicy } from './policy.ts';
import { recoverInstance } from './recover.ts';
import { checkRequest } from './request.ts';
import { checkRequirements } from './requirements.ts';
import { superviseSandbox } from './running-sandbox.ts';
import { runtimeDrivers } from './runtime/drivers.ts';
import { probeRuntime } from './runtime/probe.ts';
import { sealProgram, unsealAll } from './runtime/sealed.ts';
import type { RunPaths, RuntimeDriver } from './runtime/types.ts';
import { buildSpec } from './runtime-config/build.ts';
import { idRangeSize } from './runtime-config/namespaces.ts';
import { limitsOf } from './runtime-config/resources.ts';
import { validateSpec } from './runtime-config/validations.ts';
import { type RuntimeProcess, runtimeEnv, type StartRuntime, startDirectly } from './runtime-process.ts';
import { openSocketWatch } from './socket-watch.ts';
import type { MadeSandbox, RecoveryReport, RuntimeName, Sandbox, SandboxRequest } from './types.ts';
import { type IdRanges, openIdRanges } from './uid-ranges.ts';
import { type Violation, type ViolationSink, violation } from './violations.ts';

interface SandboxHostOptions {
  /** Unique among the running Wards of the machine: lower-case letters, digits, dashes. */
  readonly instance: string;
  /** Folder that all Wards of the machine share: `/run/ward`. */
  readonly runDir: string;
  /** Probed when the host opens, so that the first start doesn't wait for it. */
  readonly runtime: RuntimeName;
  readonly log: Log;
  /** The user that may connect to sandboxes' ports, and freeze and weigh them; absent: root. */
  readonly userId?: number;
  /** Receives the violations of sandboxes; each before that sandbox's `exited` settles. */
  readonly onViolation?: ViolationSink;
  /** Receives the number of sandboxes that have ended but could not be removed yet. */
  readonly onLeftBehind?: ((count: number) => void) | undefined;
}

/** @throws Fault HOST_UNFIT, RUNTIME_MISSING */
export async function openSandboxHost(options: SandboxHostOptions): Promise<LocalSandboxHost> {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(options.instance)) {
    throw sandboxFault('REQUEST_UNSAFE', `${options.instance} can't be the name of an instance`);
  }
  if (process.geteuid?.() !== 0) {
    throw sandboxFault('HOST_UNFIT', 'making sandboxes needs root', { hint: 'run this command as root' });
  }
  const features = await inspectHost();
  // Others may enter it but not list it: the root user of a sandbox has to reach its bundle.
  await mkdir(options.runDir, { recursive: true });
  await chmod(options.runDir, 0o711);
  // Make it before any group: it shows the next Ward that there may be something to recover.
  await mkdir(join(options.runDir, options.instance), { recursive: true, mode: 0o711 });
  const cgroups = openCgroupTree(features.cgroup, options.instance);
  cgroups.prepare();
  const ids = openIdRanges(join(options.runDir, 'uid-windows'));
  const host = new LocalSandboxHost(options, features, cgroups, ids);
  if ((await host.runtime(options.runtime)) === undefined) {
    await host.close();
    throw runtimeMissing(options.runtime);
  }
  return host;
}

/** Sandboxes on this machine. */
export class LocalSandboxHost implements AsyncDisposable {
  readonly features: HostFeatures;
  readonly #options: SandboxHostOptions;
  readonly #cgroups: CgroupTree;
  readonly #ids: IdRanges;
  readonly #lsm: LsmGuard;
  readonly #denials: DenialWatch | undefined;
  readonly #waysOut: WaysOut;
  readonly #sockets = openSocketWatch();
  readonly #instanceDir: string;
  readonly #sealedDir: string;
  readonly #devices: DeviceFolders;
  readonly #leftBehind: LeftBehind;
  readonly #starting = new Set<Promise<unknown>>();
  readonly #running = new Map<string, MadeSandbox>();
  readonly #runtimes = new Map<RuntimeName, Promise<RuntimeFeatures | undefined>>();
  #isClosed = false;

  constructor(options: SandboxHostOptions, features: HostFeatures, cgroups: CgroupTree, ids: IdRanges) {
    this.features = features;
    this.#options = options;
    this.#cgroups = cgroups;
    this.#ids = ids;
    this.#lsm = openLsmGuard(features.lsm, options.instance);
    this.#denials = openDenialWatch(features);
    this.#instanceDir = join(options.runDir, options.instance);
    this.#waysOut = openWaysOut({
      dir: join(this.#instanceDir, 'egress'),
      takeOwnerId: () => ids.take().firstId + relayId,
      log: options.log,
    });
    this.#sealedDir = join(options.runDir, '.sealed', options.instance);
    this.#devices = openDeviceFolders(join(this.#instanceDir, 'devices'));
    this.#leftBehind = openLeftBehind({ log: options.log, onCount: options.onLeftBehind });
  }

  get instance(): string {
    return this.#options.instance;
  }

  /** Whether the kernel's log may report violations. */
  get hearsKernel(): boolean {
    return this.#denials !== undefined;
  }

  /** The features of an installed runtime; undefined when it is missing or can't run anything here. */
  runtime(name: RuntimeName): Promise<RuntimeFeatures | undefined> {
    const known = this.#runtimes.get(name);
    if (known !== undefined) return known;
    const context = {
      host: this.features,
      cgroups: this.#cgroups,
      ids: this.#ids,
      dir: this.#options.runDir,
    };
    const answer = probeRuntime(runtimeDrivers[name], context).then((found) => this.#seal(found));
    this.#runtimes.set(name, answer);
    // An error of a disk or a descriptor says nothing about the runtime, so don't remember it.
    answer.catch(() => this.#runtimes.delete(name));
    return answer;
  }

  /**
   * Checks whether sandboxes under this policy can start here at all, given an image that can apply Landlock.
   * @throws Fault POLICY_NOT_MET, RUNTIME_MISSING
   */
  async checkPolicy(policy: SandboxPolicy): Promise<void> {
    const runtime = await this.runtime(policy.runtime);
    if (runtime === undefined) throw runtimeMissing(policy.runtime);
    checkRequirements({ policy, host: this.features, runtime, hasLandlockLauncher: true });
    await this.#lsm.settle(policy);
  }

  /** Memory that its sandboxes use now, with their page cache. */
  memoryBytes(): number {
    return this.#cgroups.memoryBytes();
  }

  leftBehind(): number {
    return this.#leftBehind.count;
  }

  /** @throws Fault SANDBOX_START_FAILED, POLICY_NOT_MET, RUNTIME_MISSING, REQUEST_UNSAFE */
  async start(request: SandboxRequest): Promise<Sandbox> {
    const { sandbox, process } = await this.begin(request, startDirectly);
    const onViolation = (seen: Violation) => this.#options.onViolation?.(sandbox.id, seen);
    return joinSandbox(sandbox, process, { policy: request.policy, onViolation });
  }

  /** Does the same as `start`, with a runtime whose streams come from `startRuntime`. */
  async begin<Started extends RuntimeProcess>(
    request: SandboxRequest,
    startRuntime: StartRuntime<Started>,
  ): Promise<Begun<Started>> {
    if (this.#isClosed) throw sandboxFault('SANDBOX_START_FAILED', 'the sandbox host is closed');
    const starting = this.#begin(request, startRuntime);
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }

  /** Removes what a previous run of this instance left behind. Call once, before the first `start`. */
  async recover(): Promise<RecoveryReport> {
    const report = await recoverInstance(this.#cgroups, this.#instanceDir);
    // Remove profiles last: a process that is still confined by one would continue without it.
    await this.#lsm.removeLeft();
    return report;
  }

  /** Destroys every sandbox it started. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#starting, ...this.#runtimes.values()]);
    await Promise.allSettled([...this.#running.values()].map((sandbox) => sandbox.destroy()));
    this.#sockets[Symbol.dispose]();
    await this.#leftBehind[Symbol.asyncDispose]();
    await this.#waysOut.close();
    // This fails while a sandbox is left, because its group can't be removed then.
    await this.#cgroups.remove();
    this.#denials?.[Symbol.dispose]();
    await this.#lsm.close();
    await unsealAll(this.#sealedDir);
    await this.#devices.close();
    // A failing disk or a missing process may have prevented earlier unmounts.
    await unmountBelow(this.#instanceDir);
    await rm(this.#instanceDir, { recursive: true, force: true });
    this.#ids[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #seal(found: RuntimeFeatures | undefined): Promise<RuntimeFeatures | undefined> {
    if (found === undefined) return undefined;
    return { ...found, path: await sealProgram(found.path, this.#sealedDir, found.name) };
  }

  async #begin<Started extends RuntimeProcess>(
    request: SandboxRequest,
    startRuntime: StartRuntime<Started>,
  ): Promise<Begun<Started>> {
    const runtime = await this.runtime(request.policy.runtime);
    if (runtime === undefined) throw runtimeMissing(request.policy.runtime);
    const { landlockLauncher } = await checkRequest(request);
    const hasLandlockLauncher = landlockLauncher !== undefined;
    checkRequirements({ policy: request.policy, host: this.features, runtime, hasLandlockLauncher });
    const policy = await this.#lsm.settle(request.policy);
    const range = this.#ids.take();
    const driver = runtimeDrivers[runtime.name];
    const paths = this.#pathsOf(randomHex(8), driver, policy.egress !== undefined);
    const parts = occupying({ runtime, paths, range, cgroup: this.#cgroups.group(paths.id) });
    try {
      await mkdir(paths.bundleDir, { recursive: true, mode: 0o711 });
      if (this.#canBringDevices(runtime)) parts.devices = await this.#devices.take();
      const deviceDir = parts.devices?.path;
      parts.wayOut = await this.#openWayOut(policy, paths, request.tenant);
      const spec = driver.adapt(
        buildSpec({
          ...request,
          policy,
          host: this.features,
          runtime,
          codeDir: request.codeDir,
          deviceDir,
          cgroupPath: this.#cgroups.ociPath(paths.id),
          firstId: range.firstId,
          landlockLauncher: this.#canLandlock(runtime) ? landlockLauncher : undefined,
          network: parts.wayOut,
        }),
      );
      parts.confinement = { profile: spec.process.apparmorProfile, label: spec.process.selinuxLabel };
      const { bundleDir } = paths;
      const { basePath: instancePath } = this.#cgroups;
      validateSpec(spec, { instancePath, policy: request.policy, bundleDir, deviceDir });
      await writeFile(join(bundleDir, 'config.json'), JSON.stringify(spec), { mode: 0o600 });
      return await this.#spawn(request, parts, startRuntime);
    } catch (error) {
      await vacate(parts, this.#options.log).catch((failure: unknown) => this.#leaveBehind(parts, failure));
      if (isFault(error)) throw error;
      throw sandboxFault('SANDBOX_START_FAILED', messageOf(error), { cause: error });
    }
  }

  /**
   * Whether Ward can bring the device files. gVisor makes those of its own kernel. Under SELinux the runtime has to
   * make and label them. And without its own mounts Ward has no place for them.
   */
  #canBringDevices({ name }: RuntimeFeatures): boolean {
    return name !== 'runsc' && this.features.isolated && this.features.lsm.selinux === 'off';
  }

  /** gVisor's kernel has no Landlock, even if the host's kernel has it. */
  #canLandlock(runtime: RuntimeFeatures): boolean {
    return this.features.lsm.landlock && runtime.name !== 'runsc';
  }

  /** Opens nothing for a sandbox without egress rules. */
  async #openWayOut(
    { egress }: SandboxPolicy,
    { id, bundleDir }: RunPaths,
    tenant = '',
  ): Promise<WayOut | undefined> {
    if (egress === undefined) return undefined;
    const onRefusal = (detail: string) => this.#options.onViolation?.(id, violation('egress', detail));
    return this.#waysOut.open({ ...egress, tenant, dir: bundleDir, onRefusal });
  }

  async #spawn<Started extends RuntimeProcess>(
    request: SandboxRequest,
    parts: Occupied,
    startRuntime: StartRuntime<Started>,
  ): Promise<Begun<Started>> {
    const { runtime, paths, range, cgroup, wayOut } = parts;
    const driver = runtimeDrivers[runtime.name];
    const hasChannel = request.channel === 'channel';
    if (driver.joinsCgroup) await cgroup.create(limitsOf(request.policy));
    else await cgroup.limitSockets(request.policy);
    const process = await startRuntime({
      argv: inheritingArgv(request.policy, this.features, {
        argv: driver.runArgv(runtime, paths, hasChannel),
        keepsClocks: driver.keepsClocks(runtime),
      }),
      cwd: paths.bundleDir,
      env: runtimeEnv,
      hasChannel,
    });
    const onViolation = (seen: Violation) => this.#options.onViolation?.(paths.id, seen);
    const { firstId } = range;
    const confined = this.#denials?.add({ ...parts.confinement, firstId, idCount: idRangeSize, onViolation });
    const sandbox = superviseSandbox({
      id: paths.id,
      process,
      driver,
      logFile: paths.logFile,
      cgroup,
      bundleDir: paths.bundleDir,
      ownerId: range.firstId + relayId,
      userId: this.#options.userId,
      policy: request.policy,
      wayOut,
      hearKernel: this.#denials?.look,
      sockets: this.#sockets,
      onViolation,
      remove: async () => {
        confined?.[Symbol.dispose]();
        await vacate(parts, this.#options.log)
          .catch((error: unknown) => {
            this.#leaveBehind(parts, error);
            throw error;
          })
          .finally(() => this.#running.delete(paths.id));
      },
    });
    this.#running.set(paths.id, sandbox);
    wayOut?.chargeTo(cgroup);
    // Without its way out, a kept sandbox would reach nothing in all later calls.
    void wayOut?.ended.then(() => sandbox.destroy()).catch(() => {});
    return { sandbox, process };
  }

  #leaveBehind(parts: Occupied, error: unknown): void {
    const { id } = parts.paths;
    const { log } = this.#options;
    log.error({ sandbox: id, error: messageOf(error) }, 'the remains of a sandbox can’t be removed');
    this.#leftBehind.add(id, () => vacate(parts, log));
  }

  #pathsOf(id: string, driver: RuntimeDriver, hasNetwork: boolean): RunPaths {
    const bundleDir = join(this.#instanceDir, 'bundles', id);
    return {
      id,
      bundleDir,
      stateDir: join(this.#instanceDir, driver.name),
      logFile: join(bundleDir, 'runtime.log'),
      hasNetwork,
    };
  }
}

interface Begun<Started> {
  readonly sandbox: MadeSandbox;
  readonly process: Started;
}

/** Id of processes that enter a sandbox's network, within its range of ids: "nobody", which owns nothing. */
const relayId = 65534;

function runtimeMissing(name: RuntimeName) {
  return sandboxFault('RUNTIME_MISSING', `the OCI runtime ${name} is missing or can't run anything here`, {
    hint: `apt-get install ${name}`,
  });
}
