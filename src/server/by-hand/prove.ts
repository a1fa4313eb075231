/** `ward prove`: the attack suite in real sandboxes on this host, under this user's policy. */
import { existsSync } from 'node:fs';
import {
  type AttackVector,
  type ProveReport,
  prove,
  proveWeakened,
  selectTechniques,
  type TechniqueSummary,
  type WeakenedReport,
} from '../../prover/index.ts';
import { actAsOwner } from '../admin/act-as.ts';
import { loadConfig } from '../config/config.ts';
import { runDir } from '../instance/instance-locks.ts';
import { noteProve } from '../platform/host-checks.ts';
import { openByHand } from './instance.ts';
import { effectivePolicy, requestedPolicy } from './policy.ts';
import { attackedApi } from './prove-api.ts';
import { takenNode } from './prove-node.ts';

export type {
  AttackVector,
  ProveReport,
  ProveRow,
  TechniqueSummary,
  WeakenedReport,
  WeakenedRow,
} from '../../prover/index.ts';

export interface ProveHereOptions {
  /** Names; `*` matches any characters. */
  readonly only?: readonly string[];
  readonly vector?: AttackVector;
  readonly runtime?: string;
  /** On an invoker: the address of an API node. */
  readonly join?: string;
  /** Also runs the programs under Docker's defaults, for comparison. */
  readonly compare: boolean;
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly onProgress: (progress: ProveStep) => void;
  readonly signal: AbortSignal;
}

export interface ProveStep {
  readonly done: number;
  readonly all: number;
  readonly last: { readonly name: string; readonly outcome: string };
}

/** The image in which the suite's programs run. */
const programImage = 'python:3.13';

/** @throws Fault NO_TECHNIQUE, IMAGE_NOT_FOUND, POLICY_NOT_MET and the like; and the signal's reason */
export async function proveHere(options: ProveHereOptions): Promise<ProveReport> {
  const techniques = selectTechniques(options);
  const config = await loadConfig(options);
  const policy =
    options.runtime === undefined
      ? effectivePolicy(config)
      : await requestedPolicy({ ...nothingAsked, runtime: options.runtime }, config);
  await using stack = new AsyncDisposableStack();
  const { host, images, instance } = stack.use(await openByHand(config, policy.runtime));
  const image = await images.resolve(programImage);
  const root = stack.use(await images.mountRoot(image));
  const { compare, onProgress, signal } = options;
  const report = await prove({
    ...{ host, images, image, instance, policy, techniques, compare, onProgress, signal },
    rootDir: root.path,
    openApi: attackedApi(),
    node: takenNode(config, options.join),
  });
  await note(config.dataDir, report);
  return report;
}

/** For the console. Without a data folder, or when it can't be written, there is nothing to show. */
async function note(dataDir: string, { techniques, ...report }: ProveReport): Promise<void> {
  if (!existsSync(dataDir)) return;
  try {
    using _acting = actAsOwner(dataDir);
    await noteProve(dataDir, { at: Date.now(), ...report, techniques: [...techniques] });
  } catch {}
}

/** Tries each technique with its control removed. @throws as proveHere, and Fault COMPARISON_UNFIT */
export async function proveWeakenedHere(
  options: Omit<ProveHereOptions, 'runtime' | 'compare'>,
): Promise<WeakenedReport> {
  const techniques = selectTechniques(options);
  const config = await loadConfig(options);
  await using stack = new AsyncDisposableStack();
  const { host, images, instance } = stack.use(await openByHand(config, 'runc'));
  const root = stack.use(await images.mountRoot(await images.resolve(programImage)));
  const { onProgress, signal } = options;
  return await proveWeakened({
    ...{ host, instance, runDir, techniques, onProgress, signal },
    policy: effectivePolicy(config),
    rootDir: root.path,
  });
}

/** Selects the techniques to try. @throws Fault NO_TECHNIQUE */
export function listTechniques(
  options: Pick<ProveHereOptions, 'only' | 'vector'>,
): readonly TechniqueSummary[] {
  return selectTechniques(options).map(({ name, vector, title, reference, control, expects }) => ({
    ...{ name, vector, title, reference, control, expects },
  }));
}

const nothingAsked = { image: '', command: [], capAdd: [], capDrop: [], tmpfs: [], env: [] };
