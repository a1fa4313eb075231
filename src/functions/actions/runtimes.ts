/** The action kinds of this platform, as data: the values of `exec.kind`, and what `GET /` lists. */
import { nearestName } from '../../lib/index.ts';
import { functionFault } from '../faults.ts';
import { blackboxKind } from './exec.ts';

export interface Runtime {
  /** `family:version`. */
  readonly kind: string;
  /** Its image in the image store. */
  readonly image: string;
  /** `family:default` means this kind. */
  readonly default: boolean;
  readonly deprecated: boolean;
  /** Its code may be an archive. */
  readonly attached: boolean;
  /** `exec.main` must be given. */
  readonly requireMain: boolean;
  /**
   * The kind that runs this kind's actions. Then this kind is only an alias, for a version that Ward does not have.
   */
  readonly runsAs?: string;
}

/** The first one is also the meaning of plain `default`. */
export const defaultRuntimes: readonly Runtime[] = [
  runtime('nodejs:24', true),
  runtime('nodejs:22', false),
  runtime('python:3.13', true),
];

export function familyOf(kind: string): string {
  return kind.split(':', 1)[0] ?? kind;
}

/** @throws Fault KIND_UNSUPPORTED, naming the available kinds */
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
    adviceFor(kind, runtimes),
  );
}

/** The kind that `kind` is an alias of, if it is one. */
export function aliasedKind(runtimes: readonly Runtime[], kind: string): string | undefined {
  return runtimes.find((each) => each.kind === kind)?.runsAs;
}

/** The kind that runs an action of kind `kind`. @throws Fault KIND_UNSUPPORTED when it no longer exists */
export function runningKind(runtimes: readonly Runtime[], kind: string): string {
  if (kind === blackboxKind) return kind;
  const found = runtimes.find((each) => each.kind === kind);
  if (found !== undefined) return found.runsAs ?? found.kind;
  throw functionFault(
    'KIND_UNSUPPORTED',
    `The '${kind}' runtime is no longer supported. You may read and delete but not update or invoke this action.`,
  );
}

/** Languages that OpenWhisk compiles but Ward does not. */
const compiled = new Set(['ballerina', 'dotnet', 'rust', 'swift']);

function adviceFor(kind: string, runtimes: readonly Runtime[]): { readonly hint?: string } {
  if (kind === 'python' || kind.startsWith('python:2'))
    return { hint: 'There is no Python 2: deploy the code as python:default.' };
  if (compiled.has(familyOf(kind)))
    return { hint: 'Compile the program and deploy it as native:default, or as an image.' };
  const meant = familyMeantBy(familyOf(kind), runtimes);
  return meant === undefined ? {} : { hint: `Did you mean ${meant}:default?` };
}

/**
 * Finds the family that a typing error means: `node` is nodejs, `pyhton` is python. For a known family, only the
 * version is wrong.
 */
function familyMeantBy(typed: string, runtimes: readonly Runtime[]): string | undefined {
  const families = runtimes.filter((each) => each.default).map((each) => familyOf(each.kind));
  const begun = typed.length < 2 ? undefined : families.find((family) => family.startsWith(typed));
  return begun ?? nearestName(typed, families);
}

function runtime(kind: string, isDefault: boolean): Runtime {
  return { kind, image: kind, default: isDefault, deprecated: false, attached: true, requireMain: false };
}
