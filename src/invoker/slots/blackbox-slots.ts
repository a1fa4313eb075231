/**
 * Slots of users' images: they run any program that the image names, as the policy's unprivileged user, under the
 * same policy as everything else. The name of an image is resolved again for each sandbox.
 */

import { digestOf } from '../../blobs/index.ts';
import { imageUnknown, type JobTarget, requireReachable, sandboxPolicy } from '../../dispatch/index.ts';
import type { Image, RootFilesystem } from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import type { PolicyAsk } from '../../sandbox/index.ts';
import { invokerFault } from '../faults.ts';
import { BlackboxRunner } from '../runner/blackbox-runner.ts';
import { type ApiAccess, apiAccess } from './api-port.ts';
import { environmentOf, newSlot, type Slot, type SlotOptions, type SlotPlan } from './slot.ts';

export interface BlackboxSlots {
  /** @throws Fault IMAGE_UNKNOWN, POLICY_EXCEEDED, TIER_UNAVAILABLE */
  plan(target: JobTarget): SlotPlan;
}

export function createBlackboxSlots(options: SlotOptions): BlackboxSlots {
  return {
    plan(target) {
      const image = storeName(target.image);
      const { ask, policy } = sandboxPolicy(target, options.operator);
      requireReachable(policy);
      const api = apiAccess(target, policy, options);
      return {
        kind: target.kind,
        memoryMiB: target.limits.memoryMiB,
        takesBlank: false,
        apiHost: api.host,
        start: () => start(options, target, image, ask, api),
        lay: () => Promise.reject(new TypeError('an image gets its code when it is initialised')),
      };
    },
  };
}

/** Returns a name in the store. Refuses other forms of references, which could name a folder of the host. */
function storeName(image: string | undefined): string {
  const isName = /^[a-z0-9][a-z0-9._/-]*(?::[\w][\w.-]{0,127}|@sha256:[0-9a-f]{64})?$/;
  if (image === undefined || !isName.test(image) || /^(?:oci|rootfs):/.test(image) || image.length > 330)
    throw imageUnknown(image ?? '');
  return image;
}

async function start(
  options: SlotOptions,
  target: JobTarget,
  name: string,
  ask: PolicyAsk,
  api: ApiAccess,
): Promise<Slot> {
  const code = await codeOf(options, target);
  const { image, root } = await mount(options, name, target.namespace);
  try {
    const sandbox = await options.host.start({
      rootDir: root.path,
      args: programOf(name, image),
      env: environment(api, target, image),
      cwd: image.config.workingDir.startsWith('/') ? image.config.workingDir : '/',
      ask,
      channel: 'none',
      tenant: target.namespace,
    });
    let runner: BlackboxRunner;
    try {
      runner = new BlackboxRunner({
        sandbox,
        code,
        logBytes: target.limits.logBytes,
        intakes: options.intakes,
        resultBytes: options.resultBytes,
      });
      if (api.port !== undefined) await sandbox.servePort(api.port).ready;
    } catch (error) {
      await sandbox.destroy();
      throw error;
    }
    options.desk.watch(sandbox.id, runner);
    void runner.ended.then(() => root.release());
    return newSlot(target.kind, target.limits.memoryMiB, runner);
  } catch (error) {
    await root.release();
    throw error;
  }
}

async function mount(
  { images }: SlotOptions,
  name: string,
  namespace: string,
): Promise<{ readonly image: Image; readonly root: RootFilesystem }> {
  try {
    const image = await images.resolve(name, namespace);
    return { image, root: await images.mountRoot(image) };
  } catch (cause) {
    if (isFault(cause, 'IMAGE_NOT_FOUND')) throw imageUnknown(name, cause);
    // This fault's message describes only the image. Messages of other faults describe the store.
    if (isFault(cause, 'IMAGE_UNSAFE')) throw invokerFault('IMAGE_UNUSABLE', cause.message, { cause });
    throw cause;
  }
}

const emptyText = digestOf(Buffer.alloc(0));

/** The code as `/init` gets it. */
async function codeOf({ blobs }: SlotOptions, { code }: JobTarget): Promise<string | undefined> {
  if (code.digest === emptyText) return undefined;
  return (await blobs.get(code.digest)).toString(code.binary ? 'base64' : 'utf8');
}

function programOf(name: string, { config: { entrypoint, cmd } }: Image): readonly string[] {
  const args = [...entrypoint, ...cmd];
  if (args.length === 0)
    throw invokerFault('IMAGE_UNUSABLE', `the image ${name} cannot be used: it names no program to run`);
  return args;
}

/** Docker's defaults for an image without an environment. HOME is the only place that is writable. */
const defaults = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp' };

function environment({ host }: ApiAccess, { limits }: JobTarget, image: Image): Record<string, string> {
  return {
    ...defaults,
    ...environmentOf(image.config.env),
    __OW_API_HOST: host(),
    ...(limits.concurrency > 1 ? { __OW_ALLOW_CONCURRENT: 'true' } : {}),
  };
}
