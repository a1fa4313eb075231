/** What an action executes: code in a sandbox, other actions, or a built-in action. */
import { z } from 'zod';
import { digestOf as contentDigest, type Digest, isDigest } from '../../blobs/index.ts';

/** Code of a kind that has a runtime image, or of a user's image (`blackbox`). */
export type CodeExec = {
  /** `nodejs:24`, an alias of a kind (`nodejs:14`), or `blackbox`. */
  readonly kind: string;
  /** A name in the image store. Only for kind `blackbox`. */
  readonly image?: string | undefined;
  readonly binary: boolean;
  readonly main?: string | undefined;
  readonly digest: Digest;
};

type SequenceExec = {
  readonly kind: 'sequence';
  /** Full names with a leading slash: `/ns/[pkg/]name`. */
  readonly components: readonly string[];
};

/** One of Ward's own actions in `/whisk.system`. */
type BuiltinExec = { readonly kind: 'builtin' };

export type ExecDocument = CodeExec | SequenceExec | BuiltinExec;

export const sequenceKind = 'sequence';
export const blackboxKind = 'blackbox';
export const builtinKind = 'builtin';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value));

export const codeExecSchema = z.object({
  kind: z.string(),
  image: z.string().optional(),
  binary: z.boolean(),
  main: z.string().optional(),
  digest,
});

export const execSchema = z.union([
  z.object({ kind: z.literal(sequenceKind), components: z.array(z.string()) }),
  z.object({ kind: z.literal(builtinKind) }),
  codeExecSchema,
]);

export function isCode(exec: ExecDocument): exec is CodeExec {
  return 'digest' in exec;
}

const nothing = contentDigest(Buffer.alloc(0));

/** True if the code is empty. An image needs none. */
export function isEmptyCode({ digest: of }: Pick<CodeExec, 'digest'>): boolean {
  return of === nothing;
}

export function isSequence(exec: ExecDocument): exec is SequenceExec {
  return 'components' in exec;
}

/** The digest of its blob, if it has one. */
export function digestOf(exec: ExecDocument): Digest | null {
  return isCode(exec) ? exec.digest : null;
}

/**
 * The `exec` that the API shows, without its code.
 * @param runsAs the kind that runs it, if its own kind is only an alias
 */
export function describeExec(exec: ExecDocument, runsAs: string | undefined) {
  if (isSequence(exec)) return { kind: exec.kind, components: exec.components };
  if (!isCode(exec)) return { kind: exec.kind, binary: true };
  const { kind, image, binary, main } = exec;
  return {
    kind,
    binary,
    ...(image === undefined ? {} : { image }),
    ...(main === undefined ? {} : { main }),
    ...(runsAs === undefined ? {} : { deprecated: true, runsAs }),
  };
}
