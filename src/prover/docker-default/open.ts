/**
 * Programs of the suite under Docker's defaults, for a comparison. There is no Docker in it: the same runtime (runc),
 * configured as Docker configures it. Writable roots are overlays on one tmpfs, which is mounted in Ward's own mount
 * namespace and goes with it.
 */
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mustRun, randomHex, runCommand, startCommand } from '../../lib/index.ts';
import {
  type LocalSandboxHost,
  openCgroupTree,
  runtimeDrivers,
  runtimeProcessOf,
  type SandboxPolicy,
  type SandboxRequest,
  superviseSandbox,
} from '../../sandbox/index.ts';
import { hostFacts } from '../facts.ts';
import { proverFault } from '../faults.ts';
import { runInPlace } from '../suite.ts';
import type { ProgramTechnique, Technique, TechniqueResult } from '../types.ts';
import { dockerSpec } from './spec.ts';

export interface DockerDefaultOptions {
  readonly host: LocalSandboxHost;
  /** Of the host: where its control groups are. */
  readonly instance: string;
  readonly policy: SandboxPolicy;
  readonly rootDir: string;
  readonly signal?: AbortSignal;
}

export interface DockerDefault extends AsyncDisposable {
  /** A comparison is of programs; what needs Ward's own side has nothing to be compared with. */
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
  const starter = await openStarter(options, folder);
  const place = {
    start: starter,
    ...{ policy, rootDir },
    facts: { ...facts, runtime: 'docker-default' },
    ...(signal === undefined ? {} : { signal }),
  };
  const opened = stack.move();
  return {
    takes: (technique) => 'program' in technique,
    run: (technique) => runInPlace(place, technique),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openStarter({ host, instance, rootDir }: DockerDefaultOptions, folder: string) {
  const runtime = await host.runtime('runc');
  if (runtime === undefined) {
    throw proverFault('COMPARISON_UNFIT', 'the comparison needs runc, which is what Docker runs', {
      hint: 'apt-get install runc',
    });
  }
  // The wrapper that gives an old runc a time namespace is Ward's, not Docker's.
  const features = { ...runtime, timeNamespace: true };
  const driver = runtimeDrivers.runc;
  const tree = openCgroupTree(host.features.cgroup, instance);
  return async (request: SandboxRequest) => {
    const id = `docker-${randomHex(6)}`;
    const bundleDir = join(folder, id);
    const root = await mountWritable(rootDir, bundleDir);
    const paths = { id, bundleDir, stateDir: join(folder, 'runc'), logFile: join(bundleDir, 'runtime.log') };
    const spec = dockerSpec({
      request,
      arch: host.features.arch,
      cgroupVersion: host.features.cgroup.version,
      rootDir: root,
      cgroupPath: tree.ociPath(id),
    });
    await writeFile(join(bundleDir, 'config.json'), JSON.stringify(spec));
    const cgroup = tree.group(id);
    const child = startCommand([...guard, ...driver.runArgv(features, paths, false)], {
      cwd: bundleDir,
      env: runtimeEnv,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    await once(child, 'spawn');
    return superviseSandbox({
      ...{ id, driver, cgroup, bundleDir },
      process: runtimeProcessOf(child, false),
      logFile: paths.logFile,
      ownerId: 0,
      policy: request.policy,
      onViolation: () => {},
      async remove() {
        await cgroup.kill();
        await runCommand(driver.deleteArgv(features, paths), { env: runtimeEnv, timeoutMs: 20_000 });
        await cgroup.remove();
        await mustRun(['umount', '--lazy', root]);
        await rm(bundleDir, { recursive: true, force: true });
      },
    });
  };
}

/** The image's root as a container may write to it. */
async function mountWritable(lower: string, bundleDir: string): Promise<string> {
  const [root, upper, work] = ['root', 'upper', 'work'].map((name) => join(bundleDir, name));
  for (const path of [root, upper, work]) await mkdir(path ?? '', { recursive: true, mode: 0o755 });
  const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await mustRun(['mount', '-t', 'overlay', '-o', layers, 'overlay', root ?? '']);
  return root ?? '';
}

const guard = [
  '/usr/bin/unshare',
  ...['--mount', '--propagation', 'private', '--'],
  ...['/bin/sh', join(import.meta.dirname, 'guard.sh')],
];
const runtimeEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
