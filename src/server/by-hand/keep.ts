/**
 * A command run by hand as root: it keeps what it starts until its other half has ended. The other half is the same
 * command again, without rights: it reads the operator's input and the output of sandboxes.
 */
import { mkdir, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { folderImage, layersDirOf, openRootMounter, parseReference } from '../../images/index.ts';
import { type KeptCode, keep, openStreamDoor, sayLine } from '../../keeper/index.ts';
import { operatorPolicy, type RuntimeName, type ViolationSink } from '../../sandbox/index.ts';
import type { Config } from '../config/config.ts';
import { type ServerAccount, serverAccount } from '../instance/account.ts';
import { helloOf } from '../instance/ground.ts';
import { runDir } from '../instance/instance-locks.ts';
import { openShownPaths, type ShownPaths } from '../instance/shown-paths.ts';
import { startHalf } from '../processes/half-process.ts';
import { handOver } from '../processes/hand-over.ts';
import { handRightsOf } from '../processes/server-process.ts';
import { type HandGround, openHandGround } from './instance.ts';
import { shareCompileCache } from './shared-cache.ts';
import type { GivenImage, HandTask } from './task.ts';

export interface HandPlan {
  readonly runtime: RuntimeName;
  /** Name of the image on the command line. */
  readonly image?: string;
  /** Further data for the other half. */
  readonly task: Omit<HandTask, 'config' | 'image'>;
  readonly env?: NodeJS.ProcessEnv;
  /** Descriptors passed on as 4, 5, … after those of `prepare`. */
  readonly descriptors?: readonly number[];
  /** Flags of a command line ask for one sandbox. */
  readonly asks: 'actions' | 'flags';
  prepare?(ground: HandGround, account: ServerAccount): Promise<Prepared>;
}

/** Resources that are disposed of when the other half has ended. */
export interface Prepared extends AsyncDisposable {
  readonly code: KeptCode;
  readonly descriptors: readonly number[];
  /** Folders that the other half can change. */
  readonly writable: readonly string[];
  readonly task: Partial<HandTask>;
  /** Called when the other half has started. */
  begin(): Promise<void>;
}

/** Environment variables that the other half needs. */
const passedOn =
  /^(?:PATH|TERM|COLORTERM|NO_COLOR|FORCE_COLOR|LANG|LC_\w+|TZ|WARD_MOUNT_NAMESPACE|NODE_EXTRA_CA_CERTS|NODE_USE_ENV_PROXY|(?:https?|no)_proxy|HTTPS?_PROXY|NO_PROXY)$/;

/** Resolves to the other half's exit code once everything is gone; 128 + n when signal n ended it. */
export async function keepByHand(config: Config, plan: HandPlan): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const account = await serverAccount();
  const operator = operatorPolicy(config.sandbox);
  let onViolation: ViolationSink = () => {};
  const ground = stack.use(
    await openHandGround(config, {
      runtime: plan.runtime,
      userId: account.uid,
      onViolation: (...seen) => onViolation(...seen),
    }),
  );
  const { host, instance, mountsDir, log } = ground;
  await mkdir(config.imagesDir, { recursive: true });
  handOver(config.imagesDir, account, { layouts: [config.imagesDir], log });
  const ownDir = join(runDir, instance);
  const shown = stack.use(openShownPaths(instance));
  const seen = { ...config, imagesDir: await shown.show(config.imagesDir, 'images', 'rw') };
  const given = plan.image === undefined ? undefined : await givenImage(plan.image, mountsDir, shown);
  const door = stack.use(await openStreamDoor(join(ownDir, 'keeper'), account.uid));
  const prepared = stack.use(await plan.prepare?.(ground, account));
  shareCompileCache(account.uid);
  const half = stack.use(
    await startHalf({
      ...{ ownDir, shown, cwd: '/', words: process.argv.slice(2) },
      rights: (programs) =>
        handRightsOf(
          {
            ...{ account, ground, ownDir },
            readable: given?.layout === undefined ? [] : [given.layout],
            writable: [seen.imagesDir, ...(prepared?.writable ?? [])],
          },
          programs,
        ),
      env: { ...passedEnv(), ...plan.env },
      descriptors: [...(prepared?.descriptors ?? []), ...(plan.descriptors ?? [])],
    }),
  );
  await prepared?.begin();
  const layersDir = layersDirOf(seen.imagesDir);
  const givenFolder = given?.folder;
  const keeper = stack.use(
    keep({
      ...{ channel: half.channel, host, operator, layersDir, door, log, givenFolder, asks: plan.asks },
      ...(plan.asks === 'flags' ? { mostSandboxes: 1 } : {}),
      ...(prepared === undefined ? {} : { code: prepared.code }),
      memoryBytes: Math.max(operator.ceiling.memoryBytes, operator.defaults.memoryBytes),
      mounter: openRootMounter({
        ...{ layersDir, mountsDir },
        folders: givenFolder === undefined ? [] : [givenFolder],
      }),
      userId: account.uid,
    }),
  );
  onViolation = keeper.onViolation;
  const task: HandTask = {
    ...{ config: seen, ...plan.task, ...prepared?.task },
    ...(given === undefined ? {} : { image: given.image }),
  };
  const codeWorkDir = prepared === undefined ? {} : { codeWorkDir: prepared.code.workDir };
  sayLine(half.channel, helloOf(ground, { layersDir, mountsDir, task, door, ...codeWorkDir }));
  const { code, signal } = await half.ended;
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
}

interface Given {
  readonly image: GivenImage;
  /** A folder that is the root. */
  readonly folder?: string;
  /** A layout that the other half reads. */
  readonly layout?: string;
}

/** Resolves the operator's image to a place that the other half can read. @throws Fault IMAGE_NOT_FOUND, IMAGE_UNSAFE, IMAGE_INVALID */
async function givenImage(reference: string, mountsDir: string, { show }: ShownPaths): Promise<Given> {
  const parsed = parseReference(reference);
  if (parsed.form === 'folder') {
    const [folder = ''] = (await folderImage(reference, parsed.dir, mountsDir)).layerDirs;
    return { image: { isFolder: true }, folder };
  }
  const isThere = parsed.form === 'layout' && (await stat(parsed.dir).catch(() => undefined))?.isDirectory();
  if (parsed.form !== 'layout' || !isThere) return { image: { isFolder: false, reference } };
  const layout = await show(parsed.dir, 'layout', 'ro');
  const tag = parsed.tag === undefined ? '' : `:${parsed.tag}`;
  return { image: { isFolder: false, reference: `oci:${layout}${tag}` }, layout };
}

function passedEnv(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name)));
}
