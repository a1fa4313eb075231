/**
 * Tells invokers which images they will need: those of the actions whose calls they get first. No other invoker is
 * told, so that an invoker learns no digests that its own jobs would not show it.
 */
import { BoundedMap } from '../../lib/index.ts';
import type { PlacementTarget } from '../placement/types.ts';
import type { ImageTarget } from '../types.ts';

interface ImageHintsOptions {
  /** The nodes that get calls of the target, the best first. */
  readonly choose: (target: PlacementTarget) => readonly string[];
  readonly send: (node: string, images: readonly string[]) => void;
}

/** The first home of an action, and where its calls go when that is full. */
const homes = 2;
/** Actions whose images a new invoker may need. */
const mostRemembered = 200;
export const mostImages = 100;

export class ImageHints {
  readonly #options: ImageHintsOptions;
  readonly #targets = new BoundedMap<string, ImageTarget>(mostRemembered);
  /** The process of each invoker that was told. */
  readonly #told = new Map<string, string>();

  constructor(options: ImageHintsOptions) {
    this.#options = options;
  }

  /** A target is called. */
  note({ namespace, action, revision, kind, limits, scaling, sandbox, image }: ImageTarget): void {
    // Nothing else of a job, so that its parameters can be freed.
    const target = { namespace, action, revision, kind, limits, scaling, sandbox, image };
    if (image !== undefined) this.#targets.set(action, target);
  }

  /** A target was deployed. */
  tell(target: ImageTarget): void {
    this.note(target);
    const { image } = target;
    if (image === undefined) return;
    for (const node of this.#options.choose(target).slice(0, homes)) this.#options.send(node, [image]);
  }

  /** The invoker is heard. A new process of it is told what it needs. */
  heard(node: string, start: string): void {
    if (this.#told.get(node) === start) return;
    this.#told.set(node, start);
    const { choose, send } = this.#options;
    const its = [...this.#targets.values()].filter((target) => choose(target).slice(0, homes).includes(node));
    const images = new Set(its.flatMap(({ image }) => image ?? []));
    if (images.size > 0) send(node, [...images].slice(0, mostImages));
  }

  gone(node: string): void {
    this.#told.delete(node);
  }
}
