/**
 * Finds out which features an installed runtime really has, by running the smallest program with it: versions and
 * documentation have been wrong about /proc options and the time namespace. The answer is kept on disk until the
 * runtime's file or the kernel changes, so that only the first start takes the time.
 */
import { mkdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { randomHex, runCommand } from '../../lib/index.ts';
import type { CgroupTree } from '../cgroup/types.ts';
import type { HostFeatures, RuntimeFeatures } from '../host/features.ts';
import { shiftingClocks } from '../inherited.ts';
import { shareWithSandboxes } from '../lsm/label.ts';
import type { OciSpec } from '../oci-config.ts';
import { strictPolicy } from '../policy.ts';
import { buildSpec } from '../runtime-config/build.ts';
import type { IdRanges } from '../uid-ranges.ts';
import { packageFixesOf } from './package-fixes.ts';
import { smallestProgram } from './smallest-program.ts';
import type { RunPaths, RuntimeDriver } from './types.ts';

interface ProbeContext {
  readonly host: HostFeatures;
  readonly cgroups: CgroupTree;
  readonly ids: IdRanges;
  /** Folder for cached answers and for the files of a running probe. */
  readonly dir: string;
}

const cacheSchema = z.object({
  key: z.string(),
  version: z.string(),
  procSubset: z.boolean(),
  timeNamespace: z.boolean(),
  containerLabel: z.boolean(),
  packageFixes: z.array(z.string()),
});

/** The runtime's features; undefined when it isn't installed or can't run anything here. */
export async function probeRuntime(
  driver: RuntimeDriver,
  context: ProbeContext,
): Promise<RuntimeFeatures | undefined> {
  const path = await findProgram(driver.program);
  if (path === undefined) return undefined;
  const file = await stat(path);
  const { kernel, cgroup, lsm } = context.host;
  const key = [path, file.mtimeMs, file.size, kernel, cgroup.mode, `selinux ${lsm.selinux}`].join(' ');
  const cacheFile = join(context.dir, `${driver.name}.features.json`);
  const cached = await readCache(cacheFile);
  // SELinux may allow something else with other modules, which the key does not contain.
  if (cached?.key === key && lsm.selinux === 'off') {
    const { key: _, ...answer } = cached;
    return { name: driver.name, path, ...answer };
  }
  const answer = await askRuntime(driver, path, context);
  if (answer !== undefined) {
    const fresh = `${cacheFile}.${randomHex(4)}`;
    await writeFile(fresh, JSON.stringify({ key, ...answer }));
    await rename(fresh, cacheFile);
  }
  return answer;
}

async function askRuntime(
  driver: RuntimeDriver,
  path: string,
  context: ProbeContext,
): Promise<RuntimeFeatures | undefined> {
  const said = await runCommand([path, '--version'], { timeoutMs: 10_000 });
  const version = /version\s+(\S+)/.exec(said.stdout)?.[1] ?? 'unknown';
  const nothing = { procSubset: false, timeNamespace: false, containerLabel: false };
  const packageFixes = await packageFixesOf(path);
  const bare = { name: driver.name, path, version, packageFixes, ...nothing };
  if (!(await canRun(driver, bare, context))) return undefined;
  return {
    ...bare,
    procSubset: await canRun(driver, { ...bare, procSubset: true }, context),
    timeNamespace: await canRun(driver, { ...bare, timeNamespace: true }, context),
    containerLabel:
      context.host.lsm.selinux !== 'off' &&
      (await canRun(driver, { ...bare, containerLabel: true }, context)),
  };
}

async function canRun(
  driver: RuntimeDriver,
  features: RuntimeFeatures,
  context: ProbeContext,
): Promise<boolean> {
  const id = `probe-${randomHex(6)}`;
  const bundleDir = join(context.dir, id);
  const rootDir = join(bundleDir, 'root');
  const paths: RunPaths = {
    id,
    bundleDir,
    stateDir: join(bundleDir, 'state'),
    logFile: join(bundleDir, 'runtime.log'),
  };
  const cgroup = context.cgroups.group(id);
  const range = context.ids.take();
  try {
    await makeProbeRoot(rootDir, context.host.arch);
    await shareWithSandboxes(rootDir);
    const spec = probeSpec(driver, features, context, { id, rootDir, firstId: range.firstId });
    await writeFile(join(bundleDir, 'config.json'), JSON.stringify(driver.adapt(spec)));
    // Use the pipes of runCommand: crun changes the owner of its stdio.
    const bare = driver.runArgv(features, paths, false);
    const argv = driver.keepsClocks(features) ? shiftingClocks(bare) : bare;
    const ran = await runCommand(argv, { timeoutMs: 20_000 });
    return ran.code === 0;
  } finally {
    await cgroup.kill();
    await runCommand(driver.deleteArgv(features, paths), { timeoutMs: 20_000 });
    await cgroup.remove();
    await rm(bundleDir, { recursive: true, force: true });
    range.release();
  }
}

function probeSpec(
  driver: RuntimeDriver,
  runtime: RuntimeFeatures,
  { host, cgroups }: ProbeContext,
  { id, rootDir, firstId }: { readonly id: string; readonly rootDir: string; readonly firstId: number },
): OciSpec {
  return buildSpec({
    policy: { ...strictPolicy, runtime: driver.name, landlock: undefined, io: undefined },
    host,
    runtime,
    rootDir,
    args: ['/exit'],
    env: {},
    cwd: '/',
    codeDir: undefined,
    deviceDir: undefined,
    cgroupPath: cgroups.ociPath(id),
    firstId,
    landlockLauncher: undefined,
    network: undefined,
  });
}

async function makeProbeRoot(rootDir: string, arch: HostFeatures['arch']): Promise<void> {
  for (const name of ['dev', 'proc', 'tmp']) {
    await mkdir(join(rootDir, name), { recursive: true, mode: 0o755 });
  }
  await writeFile(join(rootDir, 'exit'), smallestProgram(arch), { mode: 0o755 });
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (!folder.startsWith('/')) continue;
    const path = await realpath(join(folder, name)).catch(() => undefined);
    if (path !== undefined) return path;
  }
  return undefined;
}

async function readCache(file: string): Promise<z.infer<typeof cacheSchema> | undefined> {
  try {
    return cacheSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
