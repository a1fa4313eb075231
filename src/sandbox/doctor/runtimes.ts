/** The runtimes of a host: which run here, and what is known against them. */
import type { RuntimeFeatures } from '../host/features.ts';
import type { SandboxPolicy } from '../policy.ts';
import { advisoriesOf, refusedAdvisories } from '../runtime/advisories.ts';
import { runtimeNames } from '../runtime/drivers.ts';
import type { LocalSandboxHost } from '../sandbox-host.ts';
import type { DoctorAdvisory } from './types.ts';

export async function runtimesOf(host: LocalSandboxHost): Promise<readonly RuntimeFeatures[]> {
  const found = await Promise.all(runtimeNames.map((name) => host.runtime(name)));
  return found.flatMap((runtime) => runtime ?? []);
}

/** Pure. That of the policy first. */
export function holesOf(
  runtimes: readonly RuntimeFeatures[],
  policy: SandboxPolicy,
): readonly DoctorAdvisory[] {
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
