/** `ward doctor` and `ward sandbox explain`: what the policy says, and what this host makes of it. */
import {
  type DoctorReport,
  type Explanation,
  explainPolicy,
  findLandlockLauncher,
  runDoctor,
} from '../sandbox/index.ts';
import { openByHand } from './by-hand.ts';
import { loadConfig } from './config.ts';
import { effectivePolicy, requestedPolicy, type SandboxRunOptions } from './policy.ts';

/** Probes are Python programs: its system calls can be made by number. */
const probeImage = 'python:3.13';

export interface DoctorOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly runtime?: string;
}

export async function doctorHere(options: DoctorOptions): Promise<DoctorReport> {
  const config = await loadConfig(options);
  const policy =
    options.runtime === undefined
      ? effectivePolicy(config)
      : await requestedPolicy({ ...nothingAsked, runtime: options.runtime }, config);
  await using stack = new AsyncDisposableStack();
  const { host, images } = stack.use(await openByHand(config, policy.runtime));
  const known = (await images.list()).some(({ name }) => name === probeImage);
  const root = known ? stack.use(await images.mountRoot(await images.resolve(probeImage))) : undefined;
  return await runDoctor({ host, policy, roots: root ? { [probeImage]: root.path } : {} });
}

/** The policy that a run with these flags would have, held against this host. */
export async function explainHere(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  const config = await loadConfig(options);
  const policy = await requestedPolicy(options, config);
  await using stack = new AsyncDisposableStack();
  const { host, images } = stack.use(await openByHand(config, policy.runtime));
  const runtime = await host.runtime(policy.runtime);
  if (!runtime) return explainPolicy({ policy });
  let hasLandlockLauncher = true;
  if (options.image !== '') {
    const root = stack.use(await images.mountRoot(await images.resolve(options.image)));
    hasLandlockLauncher = (await findLandlockLauncher(root.path)) !== undefined;
  }
  return explainPolicy({ policy, situation: { host: host.features, runtime, hasLandlockLauncher } });
}

/** Without root there is no host to ask: the policy alone. */
export async function explainUnprivileged(options: SandboxRunOptions): Promise<readonly Explanation[]> {
  return explainPolicy({ policy: await requestedPolicy(options, await loadConfig(options)) });
}

const nothingAsked: SandboxRunOptions = {
  image: '',
  command: [],
  capAdd: [],
  capDrop: [],
  tmpfs: [],
  env: [],
};
