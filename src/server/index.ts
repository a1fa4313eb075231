/**
 * The composition root: configuration in, running platform out. Commands that make sandboxes first move this process
 * into namespaces of its own (`enterIsolation` restarts it there with the same arguments).
 */
import type { Explanation, Needs } from '../sandbox/index.ts';
import type { DoctorOptions, ServerDoctorReport } from './by-hand/doctor.ts';
import type { LearnGiven, Learning, LearnOptions } from './by-hand/learn.ts';
import type { SandboxRunOptions } from './by-hand/policy.ts';
import type { ProveHereOptions, ProveReport, TechniqueSummary, WeakenedReport } from './by-hand/prove.ts';
import type { WrittenFile } from './by-hand/written-file.ts';
import type { UpOptions } from './processes/up.ts';

export type { DoctorReport, DoctorRow, Explanation } from '../sandbox/index.ts';
export type { AuditAdmin } from './admin/audit.ts';
export type { CertificateView } from './admin/certificates.ts';
export type { BusCertificate, ClusterInit, NodeToken, OpenToken } from './admin/cluster.ts';
export type { ConsoleLogin } from './admin/console.ts';
export type { PolicyCheck, PolicyInForce } from './admin/gate.ts';
export type {
  NamespaceAdmin,
  NamespaceKey,
  NamespaceLimitsView,
  NamespaceOverview,
} from './admin/namespaces.ts';
export type { DrainProgress, NodeList, NodeOrder, NodeView, StatusView } from './admin/nodes.ts';
export type { VaultAdmin, VaultRotation, VaultStatus } from './admin/vault.ts';
export type { AdvisoriesAge } from './advisories/age.ts';
export type { AdvisoriesChangeOptions, AdvisoriesOptions } from './advisories/by-hand.ts';
export type { BackupResult } from './backup/backup.ts';
export type { RestoreResult } from './backup/restore.ts';
export type { DoctorOptions } from './by-hand/doctor.ts';
export type { Learned, LearnGiven, Learning, LearnRequest } from './by-hand/learn.ts';
export type { SandboxRunOptions } from './by-hand/policy.ts';
export type {
  AttackVector,
  ProveHereOptions,
  ProveReport,
  ProveRow,
  TechniqueSummary,
  WeakenedReport,
  WeakenedRow,
} from './by-hand/prove.ts';
export type { WrittenFile } from './by-hand/written-file.ts';
export { defaultDataDir } from './config/config.ts';
export { serverFaults } from './faults.ts';
export type { Damage, FsckReport } from './fsck/findings.ts';
export type { BaseBuildRequest, BuiltBase } from './image-build/bases.ts';
export type { ImageBuildRequest, ImageBuildResult } from './image-build/image.ts';
export type { PushTarget } from './image-build/push.ts';
export type { KeyFile } from './image-build/trust.ts';
export { type GatePaths, gatePaths } from './instance/gate-paths.ts';
export { type DataPart, dataParts } from './instance/missing-parts.ts';
export type { MigrateResult } from './migrate/migrate.ts';
export type { DiskStatus } from './platform/disk-reserve.ts';
export type { OwnMemoryStatus } from './platform/memory-plan.ts';
export type { UpOptions } from './processes/up.ts';
export type { ScanBase } from './scan/base.ts';
export type { ScanRequest } from './scan/scan.ts';

type Functions<Module> = {
  readonly [Name in keyof Module as Module[Name] extends (...args: never[]) => unknown
    ? Name
    : never]: Module[Name] extends (...args: infer Given) => infer Result
    ? (...args: Given) => Promise<Awaited<Result>>
    : never;
};

/** Loads a function's module at the first call: a scan loads no sandbox code, and a server loads no build code. */
function lazy<Module, Name extends keyof Functions<Module> & keyof Module>(
  load: () => Promise<Module>,
  name: Name,
): Functions<Module>[Name] {
  const call = async (...args: unknown[]) =>
    ((await load())[name] as (...given: unknown[]) => unknown)(...args);
  return call as Functions<Module>[Name];
}

const doctorBlobs = () => import('./by-hand/doctor-blobs.ts');
const fsck = () => import('./fsck/fsck.ts');
const advisories = () => import('./advisories/by-hand.ts');
const cluster = () => import('./admin/cluster.ts');
const consoleLogin = () => import('./admin/console.ts');
const nodes = () => import('./admin/nodes.ts');
const audit = () => import('./admin/audit.ts');
const gate = () => import('./admin/gate.ts');
const imageBuild = () => import('./image-build/image.ts');
const bases = () => import('./image-build/bases.ts');
const imageStore = () => import('./admin/image-store.ts');
const signing = () => import('./image-build/sign.ts');
const backup = () => import('./backup/backup.ts');
const restore = () => import('./backup/restore.ts');
const migrate = () => import('./migrate/migrate.ts');
const migratedBlobs = () => import('./migrate/blobs.ts');
const migratedBlobsBack = () => import('./migrate/blobs-back.ts');
const namespaces = () => import('./admin/namespaces.ts');
const scan = () => import('./scan/scan.ts');
const vault = () => import('./admin/vault.ts');
const vex = () => import('./admin/vex.ts');
const violations = () => import('./admin/violations.ts');
const usage = () => import('./admin/usage.ts');
const uninstall = () => import('./admin/uninstall.ts');

export const probeBlobsAt = lazy(doctorBlobs, 'probeBlobsAt');
export const checkAll = lazy(fsck, 'checkAll');
export const listAdvisorySources = lazy(advisories, 'listAdvisorySources');
export const updateAdvisoryFile = lazy(advisories, 'updateAdvisoryFile');
export const importAdvisoryFiles = lazy(advisories, 'importAdvisoryFiles');
export const showAdvisories = lazy(advisories, 'showAdvisories');
export const initCluster = lazy(cluster, 'initCluster');
export const newConsoleLogin = lazy(consoleLogin, 'newConsoleLogin');
export const newNodeToken = lazy(cluster, 'newNodeToken');
export const listTokens = lazy(cluster, 'listTokens');
export const revokeToken = lazy(cluster, 'revokeToken');
export const removeNode = lazy(cluster, 'removeNode');
export const listNodes = lazy(nodes, 'listNodes');
export const viewStatus = lazy(nodes, 'viewStatus');
export const showNode = lazy(nodes, 'showNode');
export const drainNode = lazy(nodes, 'drainNode');
export const awaitDrained = lazy(nodes, 'awaitDrained');
export const writeNatsConfig = lazy(cluster, 'writeNatsConfig');
export const newBusCertificate = lazy(cluster, 'newBusCertificate');
export const auditAdmin = lazy(audit, 'auditAdmin');
export const noteByOperator = lazy(audit, 'noteByOperator');
export const checkPolicy = lazy(gate, 'checkPolicy');
export const setPolicy = lazy(gate, 'setPolicy');
export const showPolicy = lazy(gate, 'showPolicy');
export const policyTextInForce = lazy(gate, 'policyTextInForce');
export const testPolicy = lazy(gate, 'testPolicy');
export const waiverAdmin = lazy(gate, 'waiverAdmin');
export const setVex = lazy(vex, 'setVex');
export const vexInForce = lazy(vex, 'vexInForce');
export const buildImage = lazy(imageBuild, 'buildImage');
export const buildBases = lazy(bases, 'buildBases');
export const imageStoreAdmin = lazy(imageStore, 'imageStoreAdmin');
export const makeKeyPair = lazy(signing, 'makeKeyPair');
export const signByHand = lazy(signing, 'signByHand');
export const verifyByHand = lazy(signing, 'verifyByHand');
export const takeBackup = lazy(backup, 'takeBackup');
export const restoreBackup = lazy(restore, 'restoreBackup');
export const migrateStores = lazy(migrate, 'migrateStores');
export const migrateBlobs = lazy(migratedBlobs, 'migrateBlobs');
export const migrateBlobsBack = lazy(migratedBlobsBack, 'migrateBlobsBack');
export const namespaceAdmin = lazy(namespaces, 'namespaceAdmin');
export const scanByHand = lazy(scan, 'scanByHand');
export const vaultAdmin = lazy(vault, 'vaultAdmin');
export const callsHere = lazy(usage, 'callsHere');
export const egressHere = lazy(usage, 'egressHere');
export const usageHere = lazy(usage, 'usageHere');
export const listViolations = lazy(violations, 'listViolationsHere');
export const openUninstalling = lazy(uninstall, 'openUninstalling');

/** Runs the platform until a signal; resolves to the exit code. */
export async function up(options: UpOptions): Promise<number> {
  if (options.role === 'api') return (await import('./processes/api.ts')).serveApi(options);
  const through = async () => (await import('./listener/inherited-listener.ts')).passListener(options);
  await isolateServer(through);
  if (await isHalf()) return (await import('./processes/up.ts')).serveHere();
  return (await import('./processes/keep.ts')).keepHere(options);
}

/** Runs one sandbox by hand; resolves to its program's exit code. */
export async function runSandbox(options: SandboxRunOptions): Promise<number> {
  await isolate();
  const { runSandboxHere, keepSandbox } = await import('./by-hand/run-sandbox.ts');
  return (await isHalf()) ? runSandboxHere(options) : keepSandbox(options);
}

/** Proves each mechanism on this host. */
export async function doctor(options: DoctorOptions): Promise<ServerDoctorReport> {
  await isolate();
  return (await import('./by-hand/doctor.ts')).doctorHere(options);
}

/** Runs the attack suite on this host. */
export async function proveSandbox(options: ProveHereOptions): Promise<ProveReport> {
  await isolate();
  return (await import('./by-hand/prove.ts')).proveHere(options);
}

/** Checks each technique of the attack suite against its control. */
export async function proveWeakened(
  options: Omit<ProveHereOptions, 'runtime' | 'compare'>,
): Promise<WeakenedReport> {
  await isolate();
  return (await import('./by-hand/prove.ts')).proveWeakenedHere(options);
}

/** Lists the attack suite; needs no root. */
export async function listAttacks(
  options: Pick<ProveHereOptions, 'only' | 'vector'>,
): Promise<readonly TechniqueSummary[]> {
  return (await import('./by-hand/prove.ts')).listTechniques(options);
}

/**
 * Runs sample calls of an action on this machine, and records what they need.
 * @param given as root: inputs from the command line
 * @param work in the other half; resolves to the exit code
 */
export async function learn(
  options: LearnOptions,
  given: () => Promise<LearnGiven>,
  work: (learning: Learning) => Promise<number>,
): Promise<number> {
  await isolate();
  const { keepLearning, openLearning } = await import('./by-hand/learn.ts');
  if (!(await isHalf())) return keepLearning(options, await given());
  await using learning = await openLearning();
  return await work(learning);
}

/** A file that the other half of a command by hand writes. */
export const openToWrite = async (path: string): Promise<WrittenFile> =>
  (await import('./by-hand/written-file.ts')).openToWrite(path);

/** The effective policy in words. */
export async function explainSandbox(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  if (process.geteuid?.() !== 0) return (await import('./by-hand/doctor.ts')).explainUnprivileged(options);
  await isolate();
  return (await import('./by-hand/doctor.ts')).explainHere(options);
}

/** This process is the half without rights. */
async function isHalf(): Promise<boolean> {
  return (await import('../keeper/index.ts')).isServer();
}

/** Descriptors for connections (`ApiLimits.connections`), about eight for each of 200 sandboxes, and its own files. */
const servingOpenFiles = 4096;

/** Descriptors for commands that make a few sandboxes. */
const fewOpenFiles = 256;

async function isolateServer(through: () => Promise<readonly string[]>): Promise<void> {
  const { allocatorEnv, memoryPlan, neededMiB, ownLimit } = await import('./platform/memory-plan.ts');
  Object.assign(process.env, allocatorEnv);
  const needs = { openFiles: servingOpenFiles, memoryBytes: neededMiB * 1024 * 1024 };
  await isolate(needs, memoryPlan(ownLimit()).keeperFlags, through);
}

async function isolate(
  needs: Needs = { openFiles: fewOpenFiles },
  flags: readonly string[] = [],
  through: () => Promise<readonly string[]> = async () => [],
): Promise<void> {
  const { checkFitness, enterIsolation, isIsolated } = await import('../sandbox/index.ts');
  // Secrets get modes of their own; sandboxes must see everything else, so the caller's umask must not count.
  process.umask(0o022);
  if (isIsolated()) return;
  if (process.geteuid?.() === 0) checkFitness(needs);
  const argv = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  enterIsolation(argv, process.geteuid?.() === 0 ? await through() : []);
}
