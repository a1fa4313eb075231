/**
 * The policy of a data folder that moves to PostgreSQL: its servers share one, so the file becomes theirs. On the way back
 * nothing is to be done, because a policy in the database counts on a single machine too.
 */
import { renameSync } from 'node:fs';
import type { GateStore } from '../../gate/index.ts';
import { readShared, replaceKept } from '../gate/policy-place.ts';
import { readPolicy } from '../gate/policy-source.ts';
import { gatePaths } from '../instance/gate-paths.ts';

/** Call it before anything is moved. @throws Fault POLICY_INVALID */
export function checkPolicyFile(dataDir: string): void {
  readPolicy(gatePaths(dataDir).policy, []);
}

/**
 * Call it when the folder belongs to the database: until then, the databases must have the same entries of the audit log.
 * If it is interrupted, the file is still the policy of this machine.
 */
export async function sharePolicyFile(
  dataDir: string,
  target: { openGate(): Promise<GateStore> },
): Promise<void> {
  const { policy: path } = gatePaths(dataDir);
  await using store = await target.openGate();
  const { policy, source, text } = readPolicy(path, await store.waivers());
  if (source !== 'file') return;
  const kept = await readShared(store);
  if (kept.text !== text)
    await replaceKept({ path, store, isShared: true }, kept, { text, revision: policy.revision });
  renameSync(path, `${path}.moved`);
}
