/**
 * `ward image build`: builds, scans, signs and delivers an image, in this order, in a folder of its own. No one can
 * use it before the last step, and a refused build leaves nothing behind.
 */
import { resolve } from 'node:path';
import type { Digest } from '../../blobs/index.ts';
import {
  buildDockerfileImage,
  buildFunctionImage,
  type FunctionImage,
  hasDockerfile,
  nameOfFolder,
  parseImageName,
  tagManifest,
} from '../../images/index.ts';
import { newId } from '../../lib/index.ts';
import type { JudgedReport } from '../../scanner/index.ts';
import { policyInForce } from '../admin/gate.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { kindBehind } from '../config/kind-aliases.ts';
import { serverFault } from '../faults.ts';
import { architectureOf, type OutputTarget, parseOutput, putOut, workFolderFor } from './output.ts';
import { type ProvenanceStatement, provenanceOf } from './provenance.ts';
import { type PushTarget, pushImage } from './push.ts';
import { scanBuilt } from './scan.ts';
import { companionsOf, type KeyFile, openKey } from './trust.ts';

export interface ImageBuildRequest {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly folder: string;
  readonly base?: string | undefined;
  readonly kind?: string | undefined;
  /** Undefined: named after the folder. */
  readonly name?: string | undefined;
  /** `linux/arm64` */
  readonly platform?: string | undefined;
  /** `oci:DIR`, or a file that ends in `.tar`. */
  readonly output?: string | undefined;
  readonly entrypoint?: readonly string[] | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly buildArgs: readonly string[];
  readonly hasNetwork: boolean;
  readonly isScanned: boolean;
  readonly key?: KeyFile | undefined;
  /** Registry to push to, instead of the store. */
  readonly push?: PushTarget | undefined;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ImageBuildResult {
  readonly name: string;
  readonly digest: Digest;
  readonly image: FunctionImage;
  /** Undefined when it was not scanned. */
  readonly judged: JudgedReport | undefined;
  /** Where the image is now; empty when it was refused. */
  readonly places: readonly string[];
  /** Id of the key that signed it. */
  readonly signedBy: string | undefined;
  readonly provenance: ProvenanceStatement;
}

/**
 * @throws Fault FLAG_INVALID, PUSH_REFUSED, PUSH_FAILED, POLICY_INVALID, KEY_INVALID, KEY_LOCKED, and those of building
 */
export async function buildImage(request: ImageBuildRequest): Promise<ImageBuildResult> {
  const config = await loadConfig(request);
  const { onProgress, signal } = request;
  // Reports wrong flags before the build starts.
  const target = parseOutput(request.output, request.push !== undefined);
  const name = nameFor(request, target);
  const key = request.key === undefined ? undefined : await openKey(request.key);
  const startedAt = new Date();
  await using work = await workFolderFor(config.imagesDir);
  const image = await build(request, config, work.path, target);
  await tagManifest(work.path, image.descriptor, [name]);
  const judged = request.isScanned
    ? await scanBuilt({
        ...{ dataDir: config.dataDir, policy: (await policyInForce(request)).policy },
        ...{ layoutDir: work.path, name, image, key, onProgress },
      })
    : undefined;
  const provenance = provenanceOf({
    name,
    image,
    parameters: parametersOf(request),
    invocationId: newId(),
    startedAt,
    finishedAt: new Date(),
  });
  const done = { name, digest: image.digest, image, judged, provenance };
  if (judged?.outcome === 'deny') return { ...done, places: [], signedBy: undefined };
  signal?.throwIfAborted();
  const companions =
    key === undefined ? undefined : companionsOf({ name, image, provenance, report: judged?.report, key });
  const built = { layoutDir: work.path, name, image, companions };
  const places: string[] = [];
  if (target !== undefined) places.push(await putOut(target, built, config.imagesDir, onProgress));
  if (request.push !== undefined) {
    onProgress(`pushing ${name}`);
    places.push(await pushImage(request.push, { ...built, provenance, onProgress, signal }));
  }
  return { ...done, places, signedBy: key?.id };
}

/** Actions look up names with a slash in the registry, and all others in the store. */
function nameFor({ name: asked, folder, push }: ImageBuildRequest, target: OutputTarget | undefined): string {
  const name = parseImageName(asked ?? nameOfFolder(folder));
  const isPath = name.includes('/');
  if (target?.kind === 'store' && isPath) {
    throw serverFault(
      'FLAG_INVALID',
      `${name} can't be in the image store: names with a slash belong to the registry`,
      {
        hint: 'Push it there with --push, or choose a name without a slash.',
      },
    );
  }
  if (push === undefined || isPath) return name;
  return parseImageName(`${push.namespace}/${name}`);
}

async function build(
  request: ImageBuildRequest,
  { imagesDir: storeDir, kindAliases }: Config,
  layoutDir: string,
  target: OutputTarget | undefined,
): Promise<FunctionImage> {
  const { folder, labels, onProgress: progress, signal } = request;
  const without = target === undefined || target.kind === 'store' ? [] : [resolve(target.path)];
  const common = { folder, storeDir, layoutDir, labels, without, progress, signal };
  if (!(await hasDockerfile(folder))) {
    refuse(request, ['buildArgs', 'hasNetwork'], 'is for folders with a Dockerfile');
    const { base, entrypoint, platform } = request;
    const kind = request.kind === undefined ? undefined : kindBehind(request.kind, kindAliases);
    return buildFunctionImage({ ...common, base, kind, entrypoint, architecture: architectureOf(platform) });
  }
  refuse(request, ['base', 'kind', 'entrypoint', 'platform'], 'is set by the Dockerfile');
  const { buildArgs, hasNetwork } = request;
  return buildDockerfileImage({ ...common, buildArgs, hasNetwork });
}

const flags = {
  base: '--base',
  kind: '--kind',
  entrypoint: '--entrypoint',
  platform: '--platform',
  buildArgs: '--build-arg',
  hasNetwork: '--network',
} as const;

function refuse(request: ImageBuildRequest, names: readonly (keyof typeof flags)[], why: string): void {
  for (const name of names) {
    const value = request[name];
    const isGiven = Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
    if (isGiven) throw serverFault('FLAG_INVALID', `${flags[name]} ${why}`);
  }
}

function parametersOf({
  base,
  kind,
  platform,
  entrypoint,
  labels,
  buildArgs,
  hasNetwork,
}: ImageBuildRequest) {
  return {
    ...(base === undefined ? {} : { base }),
    ...(kind === undefined ? {} : { kind }),
    ...(platform === undefined ? {} : { platform }),
    ...(entrypoint === undefined ? {} : { entrypoint: [...entrypoint] }),
    labels: { ...labels },
    buildArgs: [...buildArgs],
    network: hasNetwork,
  };
}
