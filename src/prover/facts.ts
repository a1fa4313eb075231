/** Facts for the suite's programs: their policy, and the host that they must not reach. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rlimitsOf, type SandboxPolicy } from '../sandbox/index.ts';
import type { Facts } from './types.ts';

interface HostFacts extends AsyncDisposable {
  readonly facts: Facts;
}

/** Makes the secret file. Disposing the result removes it. */
export async function hostFacts(policy: SandboxPolicy, arch: string): Promise<HostFacts> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-prove-'));
  // Every user may read it, so that file permissions are not what keeps a sandbox out.
  await chmod(folder, 0o755);
  const secretFile = join(folder, 'secret');
  const secret = randomBytes(16).toString('hex');
  await writeFile(secretFile, secret, { mode: 0o644 });
  const base = { arch, namespaces: namespacesHere(), secretFile, secret };
  return {
    facts: factsFor(base, policy),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same facts for another policy. */
export function factsFor(
  { arch, namespaces, secretFile, secret }: Pick<Facts, 'arch' | 'namespaces' | 'secretFile' | 'secret'>,
  policy: SandboxPolicy,
): Facts {
  return {
    ...{ arch, namespaces, secretFile, secret },
    runtime: policy.runtime,
    memoryBytes: policy.memoryBytes,
    pidsLimit: policy.pidsLimit,
    cpus: policy.cpus,
    tmpfs: policy.tmpfs.map(({ path, sizeBytes, inodes }) => ({ path, sizeBytes, inodes })),
    rlimits: rlimitsOf(policy),
  };
}

function namespacesHere(): Record<string, string> {
  const folder = '/proc/self/ns';
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readlinkSync(join(folder, name))]));
}
