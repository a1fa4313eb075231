/** The code of a manifest's action: a file, a folder that is zipped, text in the manifest, an image. */
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { errnoOf, type JsonObject, messageOf } from '../../lib/index.ts';
import { execOf, maxCodeBytes, type SourceCode } from '../action-source.ts';
import { cliFault } from '../faults.ts';
import { readBounded } from '../read-source.ts';
import type { ManifestAction } from './manifest-schema.ts';
import type { Variables } from './variables.ts';
import { zipFolder } from './zip-folder.ts';

export interface CodeContext {
  /** The manifest: files are relative to its folder. */
  readonly file: string;
  readonly variables: Variables;
  /** Says what is wrong with the action. */
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
      ? await readCode(variables.text(path), action, context)
      : undefined;
  return execOf(code, {
    // An image is its own kind, whatever else is said of it.
    kind: action.docker || action.native ? undefined : kind,
    main: action.main ?? undefined,
    docker: action.docker ? variables.text(action.docker) : undefined,
    native: action.native === true && !action.docker,
  });
}

function inlineCode(code: string): SourceCode {
  return { name: 'code', bytes: Buffer.from(code) };
}

async function readCode(path: string, action: ManifestAction, context: CodeContext): Promise<SourceCode> {
  if (/^[a-z]+:\/\//i.test(path)) throw context.refuse('function must be a file or a folder here, not a URL');
  const base = dirname(resolve(context.file));
  const source = resolve(base, path);
  if (!(await isFolder(source))) {
    if (action.include || action.exclude) throw context.refuse('include and exclude are for a folder');
    return { name: source, bytes: await readBounded(source, maxCodeBytes) };
  }
  const { include, exclude } = action;
  const bytes = await zipFolder({ folder: source, base, include: include ?? [], exclude: exclude ?? [] });
  return { name: `${source}.zip`, bytes };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    const what = errnoOf(cause) === 'ENOENT' ? `${path} does not exist` : messageOf(cause);
    throw cliFault('SOURCE_UNREADABLE', what, { cause });
  }
}

/** `nodejs` → `nodejs:default`, `nodejs@18` → `nodejs:18`. */
function kindOf(runtime: string | null | undefined, variables: Variables): string | undefined {
  if (!runtime) return undefined;
  const kind = variables.text(runtime).replace('@', ':');
  return kind.includes(':') ? kind : `${kind}:default`;
}
