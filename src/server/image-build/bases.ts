/** `ward base build`: builds Ward's own images from their recipes, and signs them if a key is given. */
import { type BuiltImage, buildRuntimeImages } from '../../images/index.ts';
import { loadConfig } from '../config/config.ts';
import { giveBack } from './give-back.ts';
import { type KeyFile, openKey, signInLayout } from './trust.ts';

export interface BaseBuildRequest {
  readonly dataDir?: string;
  readonly configFile?: string;
  readonly key?: KeyFile | undefined;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface BuiltBase extends BuiltImage {
  /** Id of the key that signed it. */
  readonly signedBy: string | undefined;
}

/** @throws Fault IMAGE_BUILD_FAILED, IMAGE_STORE_BUSY, FLAG_INVALID, KEY_INVALID, KEY_LOCKED */
export async function buildBases(request: BaseBuildRequest): Promise<readonly BuiltBase[]> {
  const { imagesDir: dir } = await loadConfig(request);
  const { onProgress: progress, signal } = request;
  const key = request.key === undefined ? undefined : await openKey(request.key);
  using _end = { [Symbol.dispose]: () => giveBack(dir) };
  const built = await buildRuntimeImages({ dir, progress, ...(signal === undefined ? {} : { signal }) });
  if (key !== undefined) {
    for (const { name, digest } of built) {
      progress(`signing ${name}`);
      await signInLayout(dir, name, digest, key);
    }
  }
  return built.map((image) => ({ ...image, signedBy: key?.id }));
}
