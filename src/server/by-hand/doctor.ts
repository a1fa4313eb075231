/** `ward doctor` and `ward sandbox explain`: the policy, and how this host enforces it. */
import { join } from 'node:path';
import { isFault } from '../../lib/index.ts';
import {
  type DoctorReport,
  type Explanation,
  explainPolicy,
  findLandlockLauncher,
  runDoctor,
} from '../../sandbox/index.ts';
import { advisoryStatus } from '../../scanner/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { type CertificateView, listCertificates } from '../admin/certificates.ts';
import { policyInForce } from '../admin/gate.ts';
import type { NodeList } from '../admin/nodes.ts';
import { type AdvisoriesAge, advisoriesAge } from '../advisories/age.ts';
import { advisoriesPath } from '../advisories/by-hand.ts';
import { readLastUpdate } from '../advisories/last-update.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { runDir } from '../instance/instance-locks.ts';
import { type DiskStatus, diskStatus } from '../platform/disk-reserve.ts';
import { noteDoctor } from '../platform/host-checks.ts';
import { type OwnMemoryStatus, ownMemoryStatus } from '../platform/memory-plan.ts';
import { type ProcessRow, proveProcesses } from './doctor-processes.ts';
import { openByHand } from './instance.ts';
import { effectivePolicy, requestedPolicy, type SandboxRunOptions } from './policy.ts';

/** Probes are Python programs, which can make system calls by number. */
const probeImage = 'python:3.13';

export interface DoctorOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly runtime?: string;
}

export interface ServerDoctorReport extends DoctorReport {
  /** The advisories that scans are matched with. They do not affect `ok`, which is about sandboxes. */
  readonly scanAdvisories: AdvisoriesAge;
  /** The disk of the data folder; undefined without a data folder. It does not affect `ok` either. */
  readonly disk: DiskStatus | undefined;
  /**
   * Memory that Ward's own processes need and get. It does not affect `ok` either: the server may run in another
   * group.
   */
  readonly memory: OwnMemoryStatus;
  /** Of TLS. They do not affect `ok` either. */
  readonly certificates: readonly CertificateView[];
  /** What the nodes of a cluster judge by; undefined where the database does not tell. It does not affect `ok` either. */
  readonly judging: Pick<NodeList, 'policies' | 'vex' | 'advisories' | 'alone'> | undefined;
  /** The walls of Ward's own processes. Required ones affect `ok`. */
  readonly processes: readonly ProcessRow[];
}

export async function doctorHere(options: DoctorOptions): Promise<ServerDoctorReport> {
  const config = await loadConfig(options);
  const policy =
    options.runtime === undefined
      ? effectivePolicy(config)
      : await requestedPolicy({ ...nothingAsked, runtime: options.runtime }, config);
  await using stack = new AsyncDisposableStack();
  const { host, images, instance } = stack.use(await openByHand(config, policy.runtime));
  const known = (await images.list()).some(({ name }) => name === probeImage);
  const root = known ? stack.use(await images.mountRoot(await images.resolve(probeImage))) : undefined;
  const report = await runDoctor({ host, policy, roots: root ? { [probeImage]: root.path } : {} });
  const ground = { instance, host };
  const processes = await proveProcesses({ config, ground, ownDir: join(runDir, instance) });
  const isHeldIn = processes.every(({ required, proven }) => !required || proven === 'yes');
  const ok = report.ok && isHeldIn;
  await note(config, { ...report, ok, processes: [...processes] });
  return {
    ...report,
    ok,
    scanAdvisories: await scanAdvisories(options),
    disk: await diskOf(config),
    memory: ownMemoryStatus(),
    certificates: await listCertificates(options).catch(() => []),
    judging: config.store.engine === 'postgres' ? await judging(options) : undefined,
    processes,
  };
}

async function judging(options: DoctorOptions): Promise<ServerDoctorReport['judging']> {
  const { listNodes } = await import('../admin/nodes.ts');
  const list = await listNodes(options).catch(() => undefined);
  return list && { policies: list.policies, vex: list.vex, advisories: list.advisories, alone: list.alone };
}

/** For the console. Without a data folder, or when it can't be written, there is nothing to show. */
async function note(
  { dataDir }: Config,
  report: DoctorReport & { readonly processes: ProcessRow[] },
): Promise<void> {
  try {
    const { rows, advisories, advice, ...rest } = report;
    using _acting = actAsOwner(dataDir);
    const lists = { rows: [...rows], advisories: [...advisories], advice: [...advice] };
    await noteDoctor(dataDir, { at: Date.now(), ...rest, ...lists });
  } catch {}
}

async function diskOf({ dataDir, disk }: Config): Promise<DiskStatus | undefined> {
  try {
    return await diskStatus(dataDir, disk.reserveBytes);
  } catch {
    return undefined;
  }
}

/** Reports unreadable advisories instead of failing. */
async function scanAdvisories(options: DoctorOptions): Promise<AdvisoriesAge> {
  try {
    const { policy } = await policyInForce(options);
    const path = await advisoriesPath(options);
    return advisoriesAge(advisoryStatus({ path })?.state, policy, { last: readLastUpdate(path) });
  } catch (error) {
    if (!isFault(error)) throw error;
    const nothing = {
      count: 0,
      ageSeconds: undefined,
      checkedSeconds: undefined,
      failed: [],
      isBehind: false,
    };
    return { ...nothing, warning: error.message };
  }
}

/** The policy that a run with these flags would have, checked against this host. */
export async function explainHere(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  const config = await loadConfig(options);
  const policy = await requestedPolicy(options, config);
  await using stack = new AsyncDisposableStack();
  const { host, images } = stack.use(await openByHand(config, policy.runtime));
  const runtime = await host.runtime(policy.runtime);
  if (!runtime) return explainPolicy({ policy });
  let hasLandlockLauncher = true;
  if (options.image !== '') {
    const root = stack.use(await images.mountRoot(await images.resolve(options.image)));
    hasLandlockLauncher = (await findLandlockLauncher(root.path)) !== undefined;
  }
  return explainPolicy({ policy, situation: { host: host.features, runtime, hasLandlockLauncher } });
}

/** Shows only the policy, since the host can't be checked without root. */
export async function explainUnprivileged(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  return explainPolicy({ policy: await requestedPolicy(options, await loadConfig(options)) });
}

const nothingAsked: SandboxRunOptions = {
  image: '',
  command: [],
  capAdd: [],
  capDrop: [],
  tmpfs: [],
  env: [],
};
