/**
 * The composition root: configuration in, running platform out. Commands that make sandboxes first move this
 * process into namespaces of its own (`enterIsolation` starts it anew there with the same arguments).
 */
import type { Explanation, Needs } from '../sandbox/index.ts';
import type { DoctorOptions, ServerDoctorReport } from './doctor.ts';
import type { PolicyCheck } from './gate-admin.ts';
import type { WrittenFile } from './hand/written-file.ts';
import type { LearnGiven, Learning, LearnOptions } from './learn.ts';
import type { SandboxRunOptions } from './policy.ts';
import type { ProveHereOptions, ProveReport, TechniqueSummary, WeakenedReport } from './prove.ts';
import type { UpOptions } from './up.ts';

export type { DoctorReport, DoctorRow, Explanation } from '../sandbox/index.ts';
export type { AdvisoriesChangeOptions, AdvisoriesOptions } from './advisories-admin.ts';
export type { BackupResult } from './backup/backup.ts';
export type { RestoreResult } from './backup/restore.ts';
export { defaultDataDir } from './config.ts';
export type { DiskStatus } from './disk-reserve.ts';
export type { DoctorOptions } from './doctor.ts';
export { serverFaults } from './faults.ts';
export type { Finding, FsckReport } from './fsck/findings.ts';
export type { AdvisoriesAge } from './gate/advisories-age.ts';
export type { AuditAdmin, PolicyCheck, PolicyInForce } from './gate-admin.ts';
export { type GatePaths, gatePaths } from './gate-paths.ts';
export type { WrittenFile } from './hand/written-file.ts';
export type { ImageBuildRequest, ImageBuildResult } from './image-build.ts';
export type { BaseBuildRequest, BuiltBase } from './image-build-bases.ts';
export type { PushTarget } from './image-build-push.ts';
export type { KeyFile } from './image-build-trust.ts';
export type { Learned, LearnGiven, Learning, LearnRequest } from './learn.ts';
export type { OwnMemoryStatus } from './memory-plan.ts';
export { type DataPart, dataParts } from './missing-parts.ts';
export type {
  NamespaceAdmin,
  NamespaceKey,
  NamespaceLimitsView,
  NamespaceOverview,
} from './namespace-admin.ts';
export type { SandboxRunOptions } from './policy.ts';
export type {
  AttackVector,
  ProveHereOptions,
  ProveReport,
  ProveRow,
  TechniqueSummary,
  WeakenedReport,
  WeakenedRow,
} from './prove.ts';
export type { ScanRequest } from './scan.ts';
export type { ScanBase } from './scan-base.ts';
export type { UpOptions } from './up.ts';
export type { VaultAdmin, VaultRotation, VaultStatus } from './vault-admin.ts';
export type { ViolationAdminOptions } from './violation-admin.ts';

/** What a command needs is loaded when it runs: to scan takes no sandboxes, to serve no builds. */
type Advisories = typeof import('./advisories-admin.ts');
type GateAdmin = typeof import('./gate-admin.ts');
type Signing = typeof import('./image-sign.ts');

export const checkAll: typeof import('./fsck/fsck.ts').checkAll = async (options) =>
  (await import('./fsck/fsck.ts')).checkAll(options);

export const listAdvisorySources: Advisories['listAdvisorySources'] = async (options) =>
  (await import('./advisories-admin.ts')).listAdvisorySources(options);
export const updateAdvisoryFile: Advisories['updateAdvisoryFile'] = async (options) =>
  (await import('./advisories-admin.ts')).updateAdvisoryFile(options);

export const importAdvisoryFiles: Advisories['importAdvisoryFiles'] = async (options, files) =>
  (await import('./advisories-admin.ts')).importAdvisoryFiles(options, files);

export const showAdvisories: Advisories['showAdvisories'] = async (options) =>
  (await import('./advisories-admin.ts')).showAdvisories(options);

export const auditAdmin: GateAdmin['auditAdmin'] = async (options) =>
  (await import('./gate-admin.ts')).auditAdmin(options);

export const checkPolicy = async (text: string): Promise<PolicyCheck> =>
  (await import('./gate-admin.ts')).checkPolicy(text);

export const showPolicy: GateAdmin['showPolicy'] = async (...args) =>
  (await import('./gate-admin.ts')).showPolicy(...args);

export const testPolicy: GateAdmin['testPolicy'] = async (options) =>
  (await import('./gate-admin.ts')).testPolicy(options);

export const buildImage: typeof import('./image-build.ts').buildImage = async (request) =>
  (await import('./image-build.ts')).buildImage(request);

export const buildBases: typeof import('./image-build-bases.ts').buildBases = async (request) =>
  (await import('./image-build-bases.ts')).buildBases(request);

export const imageStoreAdmin: typeof import('./image-store-admin.ts').imageStoreAdmin = async (options) =>
  (await import('./image-store-admin.ts')).imageStoreAdmin(options);

export const makeKeyPair: Signing['makeKeyPair'] = async (path, passphrase) =>
  (await import('./image-sign.ts')).makeKeyPair(path, passphrase);

export const signByHand: Signing['signByHand'] = async (request) =>
  (await import('./image-sign.ts')).signByHand(request);

export const verifyByHand: Signing['verifyByHand'] = async (request) =>
  (await import('./image-sign.ts')).verifyByHand(request);

export const takeBackup: typeof import('./backup/backup.ts').takeBackup = async (options) =>
  (await import('./backup/backup.ts')).takeBackup(options);

export const restoreBackup: typeof import('./backup/restore.ts').restoreBackup = async (options) =>
  (await import('./backup/restore.ts')).restoreBackup(options);

export const namespaceAdmin: typeof import('./namespace-admin.ts').namespaceAdmin = async (options) =>
  (await import('./namespace-admin.ts')).namespaceAdmin(options);

export const scanByHand: typeof import('./scan.ts').scanByHand = async (request) =>
  (await import('./scan.ts')).scanByHand(request);

export const vaultAdmin: typeof import('./vault-admin.ts').vaultAdmin = async (options) =>
  (await import('./vault-admin.ts')).vaultAdmin(options);

export const listViolations: typeof import('./violation-admin.ts').listViolationsHere = async (...args) =>
  (await import('./violation-admin.ts')).listViolationsHere(...args);

export const openUninstalling: typeof import('./uninstall.ts').openUninstalling = async (options) =>
  (await import('./uninstall.ts')).openUninstalling(options);

/** Runs the platform until a signal; resolves to the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const through = async () => (await import('./listener/inherited-listener.ts')).passListener(options);
  await isolateServer(through);
  if (await isHalf()) return (await import('./up.ts')).serveHere();
  return (await import('./keep.ts')).keepHere(options);
}

/** Runs one sandbox by hand; resolves to its program's exit code. */
export async function runSandbox(options: SandboxRunOptions): Promise<number> {
  await isolate();
  const { runSandboxHere, keepSandbox } = await import('./run-sandbox.ts');
  return (await isHalf()) ? runSandboxHere(options) : keepSandbox(options);
}

/** Proves each mechanism on this host. */
export async function doctor(options: DoctorOptions): Promise<ServerDoctorReport> {
  await isolate();
  return (await import('./doctor.ts')).doctorHere(options);
}

/** Runs the attack suite on this host. */
export async function proveSandbox(options: ProveHereOptions): Promise<ProveReport> {
  await isolate();
  return (await import('./prove.ts')).proveHere(options);
}

/** Checks each technique of the attack suite against its control. */
export async function proveWeakened(
  options: Omit<ProveHereOptions, 'runtime' | 'compare'>,
): Promise<WeakenedReport> {
  await isolate();
  return (await import('./prove.ts')).proveWeakenedHere(options);
}

/** What the attack suite has; needs no root. */
export async function listAttacks(
  options: Pick<ProveHereOptions, 'only' | 'vector'>,
): Promise<readonly TechniqueSummary[]> {
  return (await import('./prove.ts')).listTechniques(options);
}

/**
 * Runs an action's sample calls on this machine, and sees what they need.
 * @param given as root: what the command line names
 * @param work in the other half; resolves to the exit code
 */
export async function learn(
  options: LearnOptions,
  given: () => Promise<LearnGiven>,
  work: (learning: Learning) => Promise<number>,
): Promise<number> {
  await isolate();
  const { keepLearning, openLearning } = await import('./learn.ts');
  if (!(await isHalf())) return keepLearning(options, await given());
  await using learning = await openLearning();
  return await work(learning);
}

/** A file that the other half of a command by hand writes. */
export const openToWrite = async (path: string): Promise<WrittenFile> =>
  (await import('./hand/written-file.ts')).openToWrite(path);

/** The effective policy in words. */
export async function explainSandbox(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  if (process.geteuid?.() !== 0) return (await import('./doctor.ts')).explainUnprivileged(options);
  await isolate();
  return (await import('./doctor.ts')).explainHere(options);
}

/** This process is the half without rights. */
async function isHalf(): Promise<boolean> {
  return (await import('../keeper/index.ts')).isServer();
}

/** Its connections (`ApiLimits.connections`), some eight for each of 200 sandboxes, and its own files. */
const servingOpenFiles = 4096;

/** For what makes a few sandboxes by hand. */
const fewOpenFiles = 256;

async function isolateServer(through: () => Promise<readonly string[]>): Promise<void> {
  const { allocatorEnv, memoryPlan, neededMiB, ownLimit } = await import('./memory-plan.ts');
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
  // What is secret is made with a mode that says so; the rest has to be seen by sandboxes, whatever the caller's umask.
  process.umask(0o022);
  if (isIsolated()) return;
  if (process.geteuid?.() === 0) checkFitness(needs);
  const argv = [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)];
  enterIsolation(argv, process.geteuid?.() === 0 ? await through() : []);
}
