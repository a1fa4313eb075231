/**
 * Proves each mechanism on this host: tries, inside real sandboxes, what the mechanism must prevent. Trusts no version
 * number. A mechanism that can't be tried is `skipped`, which doesn't count as proven.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../lib/index.ts';
import { explainPolicy } from '../explain.ts';
import type { LsmFeatures, RuntimeFeatures } from '../host/features.ts';
import { isIsolated } from '../host/isolated.ts';
import { labelForeign, shareWithSandboxes } from '../lsm/label.ts';
import { isMechanism, type Mechanism, mechanismNames, mechanisms } from '../mechanisms.ts';
import { rlimitsOf, type SandboxPolicy } from '../policy.ts';
import { findLandlockLauncher } from '../request.ts';
import { unavailable } from '../requirements.ts';
import { advisoriesOf, refusedAdvisories } from '../runtime/advisories.ts';
import { runtimeNames } from '../runtime/drivers.ts';
import type { LocalSandboxHost } from '../sandbox-host.ts';
import { strictProfile } from '../seccomp/profile.ts';
import { hostAdvice } from './advice.ts';
import { limitProbes } from './limits.ts';
import { runProgram } from './program.ts';
import { systemCalls } from './system-calls.ts';
import type { DoctorAdvisory, DoctorReport, DoctorRow, ProbeFinding } from './types.ts';

interface DoctorOptions {
  readonly host: LocalSandboxHost;
  readonly policy: SandboxPolicy;
  /** Kind → a mounted root. Probes are Python programs, so `python:…` is needed to prove anything. */
  readonly roots: Readonly<Record<string, string>>;
}

export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { host, policy } = options;
  const runtime = await host.runtime(policy.runtime);
  const rootDir = Object.entries(options.roots).find(([kind]) => kind.startsWith('python:'))?.[1];
  const hasLandlockLauncher = rootDir !== undefined && (await findLandlockLauncher(rootDir)) !== undefined;
  const situation = runtime && { host: host.features, runtime, hasLandlockLauncher };
  const missing = new Map<Mechanism, string>(
    situation === undefined
      ? mechanismNames.map((name) => [name, `the runtime ${policy.runtime} can't run anything here`])
      : unavailable({ policy, ...situation }).map(({ mechanism, why }) => [mechanism, why]),
  );
  const findings =
    rootDir === undefined || situation === undefined
      ? new Map<Mechanism, ProbeFinding>()
      : await prove({ host, policy, rootDir }, missing);
  const said = new Map(explainPolicy({ policy }).map(({ mechanism, value }) => [mechanism, value]));
  const rows = mechanismNames.map((name): DoctorRow => {
    const why = missing.get(name);
    return {
      name,
      vector: mechanisms[name],
      required: policy.required.includes(name),
      available: why === undefined,
      chosen: why ?? said.get(name) ?? '',
      ...verdict(name, why, findings),
    };
  });
  const runtimes = await runtimesOf(host);
  const advisories = holesOf(runtimes, policy);
  const isRefused = advisories.some((one) => one.refused && one.runtime === policy.runtime);
  return {
    ok: !isRefused && rows.every((row) => !row.required || (row.available && row.proven === 'yes')),
    kernel: host.features.kernel,
    cgroups: host.features.cgroup.mode,
    runtimes: Object.fromEntries(runtimes.map(({ name, version }) => [name, version])),
    rows,
    advisories,
    advice: hostAdvice(),
  };
}

function verdict(
  name: Mechanism,
  missing: string | undefined,
  findings: ReadonlyMap<Mechanism, ProbeFinding>,
): Pick<DoctorRow, 'proven' | 'evidence'> {
  if (missing !== undefined) return { proven: 'skipped', evidence: missing };
  const finding = findings.get(name);
  if (finding === undefined) {
    const isUnprobed = findings.size === 0;
    const evidence = isUnprobed ? 'no image with Python to probe with' : 'the probe reported nothing for it';
    return { proven: 'skipped', evidence };
  }
  return { proven: finding.held ? 'yes' : 'no', evidence: finding.evidence };
}

async function runtimesOf(host: LocalSandboxHost): Promise<readonly RuntimeFeatures[]> {
  const found = await Promise.all(runtimeNames.map((name) => host.runtime(name)));
  return found.flatMap((runtime) => runtime ?? []);
}

/** Lists known holes of the runtimes, those of the policy’s runtime first. */
function holesOf(runtimes: readonly RuntimeFeatures[], policy: SandboxPolicy): readonly DoctorAdvisory[] {
  const inOrder = runtimes.toSorted(
    (a, b) => Number(b.name === policy.runtime) - Number(a.name === policy.runtime),
  );
  return inOrder.flatMap((runtime) => {
    const refused = refusedAdvisories(runtime, policy.runtimeAdvisories);
    return advisoriesOf(runtime).map(
      (advisory): DoctorAdvisory => ({
        runtime: runtime.name,
        version: runtime.version,
        id: advisory.id,
        title: advisory.title,
        answer: advisory.answer ?? '',
        fixed: advisory.affected.flatMap(({ fixed }) => fixed ?? []),
        reference: advisory.reference,
        refused: refused.includes(advisory),
      }),
    );
  });
}

interface ProofContext {
  readonly host: LocalSandboxHost;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
}

async function prove(
  context: ProofContext,
  missing: ReadonlyMap<Mechanism, string>,
): Promise<ReadonlyMap<Mechanism, ProbeFinding>> {
  const findings = new Map<Mechanism, ProbeFinding>(await proveInside(context));
  findings.set('host-isolation', proveIsolation());
  for (const { mechanism, run } of limitProbes) {
    if (!missing.has(mechanism)) findings.set(mechanism, await run(context).catch(brokenProbe));
  }
  return findings;
}

/** The finding of a probe that failed: it proves nothing, and says why. */
function brokenProbe(error: unknown): ProbeFinding {
  return { held: false, evidence: `the probe failed: ${messageOf(error)}` };
}

const resultsSchema = z.record(z.string(), z.tuple([z.boolean(), z.string()]));

/** Runs the probes of one sandbox, under the policy itself but with a small tmpfs, which fills quickly. */
async function proveInside({ host, policy, rootDir }: ProofContext): Promise<[Mechanism, ProbeFinding][]> {
  const codeDir = await mkdtemp(join(tmpdir(), 'ward-doctor-'));
  try {
    // Everyone on the host may write to it: only the mount protects it inside.
    await chmod(codeDir, 0o777);
    await shareWithSandboxes(codeDir);
    const foreign = join(codeDir, 'foreign');
    await writeFile(foreign, 'everybody may read this, but for labels\n', { mode: 0o644 });
    await labelForeign(foreign);
    const tmpfs = { path: '/tmp', sizeBytes: 1024 * 1024, inodes: 64, exec: false };
    const calls = systemCalls(host.features.arch);
    const inside = { ...policy, tmpfs: [...policy.tmpfs.filter(({ path }) => path !== '/tmp'), tmpfs] };
    const facts = {
      calls,
      tripwires: [...strictProfile.refuse].flatMap(([name, how]) =>
        how === 'kill' && name in calls ? [name] : [],
      ),
      namespaces: hostNamespaces(),
      secret: codeDir,
      hostname: policy.hostname,
      rlimits: rlimitsOf(inside),
      tmpfs,
      ...lsmInUse(host.features.lsm, policy),
    };
    const { stdout, stderr, exit } = await runProgram({
      host,
      rootDir,
      codeDir,
      policy: inside,
      source: await readFile(join(import.meta.dirname, 'inside.py'), 'utf8'),
      args: [JSON.stringify(facts)],
    });
    const results = parseResults(stdout);
    if (results === undefined) {
      const finding = brokenProbe(`${exit.runtimeError || stderr.trim().slice(-300)} (exit ${exit.code})`);
      return mechanismNames.map((name) => [name, finding]);
    }
    return Object.entries(results).flatMap(([name, [held, evidence]]) =>
      isMechanism(name) ? [[name, { held, evidence }]] : [],
    );
  } catch (error) {
    return mechanismNames.map((name) => [name, brokenProbe(error)]);
  } finally {
    await rm(codeDir, { recursive: true });
  }
}

function parseResults(text: string): z.infer<typeof resultsSchema> | undefined {
  try {
    return resultsSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function hostNamespaces(): Record<string, string> {
  const folder = '/proc/self/ns';
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readlinkSync(join(folder, name))]));
}

/** The LSM that confines sandboxes here, and the profile or label that the policy names. */
function lsmInUse(
  { apparmorProfiles, selinux }: LsmFeatures,
  { apparmorProfile, selinuxLabel }: SandboxPolicy,
): { readonly lsm: string; readonly named: string } {
  if (selinux !== 'off' && selinuxLabel !== undefined) return { lsm: 'selinux', named: selinuxLabel };
  if (apparmorProfiles !== undefined && apparmorProfile !== undefined)
    return { lsm: 'apparmor', named: apparmorProfile };
  return { lsm: '', named: '' };
}

/** Checks from Ward itself that pid 1 of its pid namespace is its own supervisor, not the machine's init. */
function proveIsolation(): ProbeFinding {
  const first = readFileSync('/proc/1/cmdline', 'utf8').split('\0').join(' ').trim();
  const held = isIsolated() && first.includes('supervise.sh');
  return {
    held,
    evidence: `mount namespace ${readlinkSync('/proc/self/ns/mnt')}; process 1 is: ${first.slice(0, 60)}`,
  };
}
