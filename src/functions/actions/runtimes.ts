/** The action kinds of this platform, as data: what `exec.kind` may say, and what `GET /` lists. */
import { functionFault } from '../faults.ts';

export interface Runtime {
  /** `family:version`. */
  readonly kind: string;
  /** Its image in the image store. */
  readonly image: string;
  /** What `family:default` means. */
  readonly default: boolean;
  readonly deprecated: boolean;
  /** Its code may be an archive. */
  readonly attached: boolean;
  /** `exec.main` must be given. */
  readonly requireMain: boolean;
}

/** The first one is also what plain `default` means. */
export const defaultRuntimes: readonly Runtime[] = [
  runtime('nodejs:24', true),
  runtime('nodejs:22', false),
  runtime('python:3.13', true),
];

export function familyOf(kind: string): string {
  return kind.split(':', 1)[0] ?? kind;
}

/** @throws Fault KIND_UNSUPPORTED with the kinds there are */
export function resolveKind(runtimes: readonly Runtime[], text: string): Runtime {
  const kind = text.trim().toLowerCase();
  const found =
    kind === 'default'
      ? runtimes[0]
      : runtimes.find(
          (each) => each.kind === kind || (each.default && `${familyOf(each.kind)}:default` === kind),
        );
  if (found !== undefined) return found;
  const valid = runtimes.flatMap((each) =>
    each.default ? [each.kind, `${familyOf(each.kind)}:default`] : [each.kind],
  );
  throw functionFault(
    'KIND_UNSUPPORTED',
    `The specified runtime '${kind.slice(0, 256)}' is not supported by this platform. Valid values are: ${valid
      .map((each) => `'${each}'`)
      .join(', ')}.`,
  );
}

function runtime(kind: string, isDefault: boolean): Runtime {
  return { kind, image: kind, default: isDefault, deprecated: false, attached: true, requireMain: false };
}
