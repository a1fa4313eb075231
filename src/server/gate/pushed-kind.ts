/**
 * What a pushed manifest is: an image, which is scanned before anybody can have it; or documents about one (signatures,
 * attestations, SBOMs) and other artifacts, which nobody's engine runs.
 */
import { hasImageConfig, isLayerType, type ManifestDocument } from '../../images/index.ts';

/** What no program unpacks. */
const documentType = /^(?:text\/[a-z.+-]+|application\/(?:[\w.-]+\+)?json)$/;

/** Whether an engine, Ward's own or another, could make a root file system of it. What an index lists is judged by itself. */
export function isImage(document: ManifestDocument): boolean {
  const { isIndex, layers } = document;
  if (isIndex) return false;
  if (layers.some(({ mediaType }) => isLayerType(mediaType))) return true;
  if (!hasImageConfig(document)) return false;
  // cosign keeps signatures as the layers of an image.
  return layers.length === 0 || !layers.every(({ mediaType }) => documentType.test(mediaType));
}
