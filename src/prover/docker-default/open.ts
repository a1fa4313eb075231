/**
 * Runs programs of the suite under Docker's defaults, for a comparison. It needs no Docker: it configures the same
 * runtime (runc) as Docker does. Writable roots are overlays on one tmpfs, which is mounted in Ward's own mount
 * namespace and goes with it.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun } from '../../lib/index.ts';
import type { LocalSandboxHost, SandboxPolicy } from '../../sandbox/index.ts';
import { openBareStart } from '../bare-start.ts';
import { hostFacts } from '../facts.ts';
import { runInPlace } from '../suite.ts';
import type { ProgramTechnique, Technique, TechniqueResult } from '../types.ts';
import { dockerSpec } from './spec.ts';

interface DockerDefaultOptions {
  readonly host: LocalSandboxHost;
  /** The host's instance, which owns the control groups. */
  readonly instance: string;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly signal?: AbortSignal;
}

interface DockerDefault extends AsyncDisposable {
  /** True for programs: techniques that need Ward's own side have no counterpart in Docker. */
  takes(technique: Technique): technique is ProgramTechnique;
  run(technique: ProgramTechnique): Promise<TechniqueResult>;
}

/** @throws Fault COMPARISON_UNFIT */
export async function openDockerDefault(options: DockerDefaultOptions): Promise<DockerDefault> {
  const { host, policy, rootDir, signal } = options;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'ward-docker-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'size=256m,mode=711', 'ward-docker', folder]);
  stack.defer(() => mustRun(['umount', '--lazy', folder]).then(() => {}));
  const { facts } = stack.use(await hostFacts(policy, host.features.arch));
  const { arch, cgroup } = host.features;
  const start = await openBareStart(
    { ...options, folder, name: 'docker' },
    (request, { rootDir: root, cgroupPath }) =>
      dockerSpec({ request, arch, cgroupVersion: cgroup.version, rootDir: root, cgroupPath }),
  );
  const place = {
    start,
    ...{ host, policy, rootDir },
    facts: { ...facts, runtime: 'docker-default' },
    ...(signal === undefined ? {} : { signal }),
  };
  const opened = stack.move();
  return {
    takes: (technique): technique is ProgramTechnique => !('run' in technique),
    run: (technique) => runInPlace(place, technique),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
