/** The code of a manifest's action: a file, a zipped folder, text in the manifest, or an image. */
import { dirname, resolve } from 'node:path';
import type { JsonObject } from '../../lib/index.ts';
import { execOf, isFolder, readCode, type SourceCode, type TellLeftOut } from '../action-source.ts';
import type { ManifestAction } from './manifest-schema.ts';
import type { Variables } from './variables.ts';

interface CodeContext {
  /** The manifest: files are relative to its folder. */
  readonly file: string;
  readonly variables: Variables;
  readonly tell: TellLeftOut | undefined;
  /** Creates the error about the action. */
  readonly refuse: (what: string) => Error;
}

/** @throws Fault MANIFEST_INVALID, SOURCE_UNREADABLE, SOURCE_KIND_UNKNOWN, USAGE */
export async function actionExec(action: ManifestAction, context: CodeContext): Promise<JsonObject> {
  const { variables, refuse } = context;
  const path = action.function ?? action.location;
  const kind = kindOf(action.runtime ?? action.kind, variables);
  if (path && action.code) throw refuse('function and code exclude each other');
  if (action.code && kind === undefined) throw refuse('code needs a runtime');
  if (!path && !action.code && !action.docker) throw refuse('it needs a function, code, or docker');
  const code = action.code
    ? inlineCode(action.code)
    : path
      ? await codeAt(variables.text(path), action, context)
      : undefined;
  return execOf(code, {
    // An image has no other kind, even if the manifest names one.
    kind: action.docker || action.native ? undefined : kind,
    main: action.main ?? undefined,
    docker: action.docker ? variables.text(action.docker) : undefined,
    native: action.native === true && !action.docker,
  });
}

function inlineCode(code: string): SourceCode {
  return { name: 'code', bytes: Buffer.from(code) };
}

async function codeAt(path: string, action: ManifestAction, context: CodeContext): Promise<SourceCode> {
  if (/^[a-z]+:\/\//i.test(path)) throw context.refuse('function must be a file or a folder here, not a URL');
  const base = dirname(resolve(context.file));
  const folder = resolve(base, path);
  const { include, exclude } = action;
  if ((include || exclude) && !(await isFolder(folder)))
    throw context.refuse('include and exclude are for a folder');
  return readCode({ folder, base, include: include ?? [], exclude: exclude ?? [] }, context.tell);
}

/** `nodejs` → `nodejs:default`, `nodejs@18` → `nodejs:18`. */
function kindOf(runtime: string | null | undefined, variables: Variables): string | undefined {
  if (!runtime) return undefined;
  const kind = variables.text(runtime).replace('@', ':');
  return kind.includes(':') ? kind : `${kind}:default`;
}
