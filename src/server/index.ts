/**
 * The composition root: configuration in, running platform out. Commands that make sandboxes first move this
 * process into namespaces of its own (`enterIsolation` starts it anew there with the same arguments).
 */
import { type DoctorReport, type Explanation, enterIsolation, isIsolated } from '../sandbox/index.ts';
import type { DoctorOptions } from './doctor.ts';
import type { SandboxRunOptions } from './policy.ts';
import type { UpOptions } from './up.ts';

export type { DoctorReport, DoctorRow, Explanation } from '../sandbox/index.ts';
export {
  type AdvisoriesChangeOptions,
  type AdvisoriesOptions,
  importAdvisoryFiles,
  showAdvisories,
  updateAdvisoryFile,
} from './advisories-admin.ts';
export { defaultDataDir } from './config.ts';
export type { DoctorOptions } from './doctor.ts';
export { serverFaults } from './faults.ts';
export {
  type AuditAdmin,
  auditAdmin,
  checkPolicy,
  type PolicyInForce,
  showPolicy,
  testPolicy,
} from './gate-admin.ts';
export { type GatePaths, gatePaths } from './gate-paths.ts';
export { buildImage, type ImageBuildRequest, type ImageBuildResult } from './image-build.ts';
export { type BaseBuildRequest, type BuiltBase, buildBases } from './image-build-bases.ts';
export type { PushTarget } from './image-build-push.ts';
export type { KeyFile } from './image-build-trust.ts';
export { makeKeyPair, signByHand, verifyByHand } from './image-sign.ts';
export {
  type NamespaceAdmin,
  type NamespaceKey,
  type NamespaceLimitsView,
  namespaceAdmin,
} from './namespace-admin.ts';
export type { SandboxRunOptions } from './policy.ts';
export { type ScanRequest, scanByHand } from './scan.ts';
export type { UpOptions } from './up.ts';
export { type VaultAdmin, type VaultRotation, type VaultStatus, vaultAdmin } from './vault-admin.ts';

/** Runs the platform until a signal; resolves to the exit code. */
export async function up(options: UpOptions): Promise<number> {
  isolate(servingFlags);
  return (await import('./up.ts')).upHere(options);
}

/** Runs one sandbox by hand; resolves to its program's exit code. */
export async function runSandbox(options: SandboxRunOptions): Promise<number> {
  isolate();
  return (await import('./run-sandbox.ts')).runSandboxHere(options);
}

/** Proves each mechanism on this host. */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  isolate();
  return (await import('./doctor.ts')).doctorHere(options);
}

/** The effective policy in words. */
export async function explainSandbox(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  if (process.geteuid?.() !== 0) return (await import('./doctor.ts')).explainUnprivileged(options);
  isolate();
  return (await import('./doctor.ts')).explainHere(options);
}

/** A request leaves a few KiB behind; a larger nursery lets most of it die without being copied. */
const servingFlags = ['--max-semi-space-size=64'];

function isolate(flags: readonly string[] = []): void {
  // What is secret is made with a mode that says so; the rest has to be seen by sandboxes, whatever the caller's umask.
  process.umask(0o022);
  if (isIsolated()) return;
  enterIsolation([process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)]);
}
