/**
 * Resolves the name in a `blackbox` action to an image for which the gate has a report. It looks names up again every
 * few seconds, and at once after a push: the next sandbox runs the image that the tag names now.
 */

import type { Digest } from '../../blobs/index.ts';
import { parsePushedReference } from '../../content/index.ts';
import type { Gate } from '../../gate/index.ts';
import { BoundedMap } from '../../lib/index.ts';
import type { ImageSource } from '../../scanner/index.ts';

export interface JudgedImagesOptions {
  readonly gate: Pick<Gate, 'admitImage' | 'report'>;
  /** Finds an image that a namespace can use. @throws Fault IMAGE_NOT_FOUND and those of the registry */
  readonly findImage: (name: string, namespace: string) => Promise<ImageSource>;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

export interface JudgedImages {
  /**
   * Answers at once after a recent look-up. Scans an image without a report first. Rejects with Faults of
   * `findImage`.
   */
  digestOf(name: string, namespace: string): Digest | Promise<Digest>;
  /** Forgets the names of a repository, which may name other images now. */
  forget(repository: string): void;
}

interface Known {
  readonly digest: Digest;
  readonly freshUntil: number;
}

const mostKept = 10_000;
const freshForMs = 5000;
/** The actor in the audit log when a call is judged without a deployment. */
const actor = 'gate';

export function createJudgedImages(options: JudgedImagesOptions): JudgedImages {
  const { gate, findImage, clock = () => performance.now() } = options;
  const known = new BoundedMap<string, Known>(mostKept);
  const looking = new Map<string, Promise<Digest>>();

  const lookUp = async (name: string, namespace: string, before: Digest | undefined): Promise<Digest> => {
    const image = await findImage(name, namespace);
    // A failed scan is not repeated with every call.
    if (image.digest !== before && (await gate.report(image.digest)) === undefined) {
      await gate.admitImage({ namespace, actor, image });
    }
    return image.digest;
  };
  const lookUpOnce = (key: string, name: string, namespace: string): Promise<Digest> => {
    const underWay = looking.get(key);
    if (underWay !== undefined) return underWay;
    const found = lookUp(name, namespace, known.get(key)?.digest).then((digest) => {
      // A push in the meantime has made this answer stale.
      if (looking.get(key) !== found) return digest;
      looking.delete(key);
      known.set(key, { digest, freshUntil: clock() + freshForMs });
      return digest;
    });
    looking.set(key, found);
    found.catch(() => {
      if (looking.get(key) === found) looking.delete(key);
    });
    return found;
  };
  return {
    digestOf(name, namespace) {
      const key = `${namespace} ${name}`;
      const before = known.get(key);
      return before !== undefined && clock() < before.freshUntil
        ? before.digest
        : lookUpOnce(key, name, namespace);
    },
    forget(repository) {
      for (const names of [known, looking]) {
        for (const key of names.keys()) if (isOf(key, repository)) names.delete(key);
      }
    },
  };
}

function isOf(key: string, repository: string): boolean {
  return parsePushedReference(key.slice(key.indexOf(' ') + 1))?.repository === repository;
}
