/**
 * The code that the last change of an action's code replaced. It is only read: to run, it must be put again, and then
 * it is judged again.
 */
import { z } from 'zod';
import { type Digest, isDigest } from '../../blobs/index.ts';
import { isFault } from '../../lib/index.ts';
import type { EarlierCode, EntityStore } from '../../store/index.ts';
import { fullNameOf, pathOf } from '../entities/names.ts';
import { functionFault } from '../faults.ts';
import type { Action } from './action.ts';
import type { CodeStore } from './code-store.ts';
import { type CodeExec, codeExecSchema, describeExec, digestOf, isCode, isEmptyCode } from './exec.ts';
import { aliasedKind, type Runtime } from './runtimes.ts';

/** An action's earlier code as the API shows it. */
export interface EarlierCodeView {
  readonly description: {
    readonly namespace: string;
    readonly name: string;
    /** That the action had with this code. */
    readonly version: string;
    /** When it was written, and when other code replaced it. Epoch milliseconds. */
    readonly updated: number;
    readonly replaced: number;
    readonly exec: ReturnType<typeof describeExec>;
  };
  readonly code: string;
  /** Of the action as it is now. */
  readonly revision: string;
}

interface EarlierCodeOptions {
  readonly entities: Pick<EntityStore, 'earlierCode'>;
  readonly code: Pick<CodeStore, 'load'>;
  readonly runtimes: readonly Runtime[];
}

const stored = z.object({
  version: z.string(),
  updated: z.number(),
  replaced: z.number(),
  exec: codeExecSchema,
});

/** What a write of `after` replaces; undefined if it replaces no code, or by the same. */
export function replacedCode(before: Action | undefined, after: Action): EarlierCode | undefined {
  if (before === undefined || !isCode(before.exec) || isEmptyCode(before.exec)) return undefined;
  const { exec, version, updated } = before;
  if (exec.digest === digestOf(after.exec)) return undefined;
  return { digest: exec.digest, document: { version, updated, replaced: after.updated, exec } };
}

/** Digests of the code of an action, and of its earlier code. */
export async function namedCode(
  entities: Pick<EntityStore, 'earlierCode'>,
  action: Action | undefined,
): Promise<readonly Digest[]> {
  if (action === undefined) return [];
  const earlier = await entities.earlierCode(action.ref.namespace, pathOf(action.ref));
  const digests = [digestOf(action.exec), earlier?.digest];
  return digests.filter((digest) => typeof digest === 'string' && isDigest(digest));
}

/** @throws Fault EARLIER_CODE_MISSING, STORED_ENTITY_CORRUPT */
export async function readEarlierCode(
  { entities, code, runtimes }: EarlierCodeOptions,
  { ref, revision }: Pick<Action, 'ref' | 'revision'>,
): Promise<EarlierCodeView> {
  const kept = await entities.earlierCode(ref.namespace, pathOf(ref));
  if (kept === undefined) throw missing();
  const parsed = stored.safeParse(kept.document);
  if (!parsed.success) {
    const what = `The earlier code of '${fullNameOf(ref)}' is corrupted and cannot be read.`;
    throw functionFault('STORED_ENTITY_CORRUPT', what, { cause: parsed.error });
  }
  const { exec, ...rest } = parsed.data;
  const inPackage = ref.package === undefined ? '' : `/${ref.package}`;
  const named = { namespace: `${ref.namespace}${inPackage}`, name: ref.name };
  const shown = describeExec(exec, aliasedKind(runtimes, exec.kind));
  return {
    description: { ...named, ...rest, exec: shown },
    code: await loadIfThere(code, exec),
    revision,
  };
}

/** A node of an older Ward removes what only the table of earlier code names. */
async function loadIfThere(code: Pick<CodeStore, 'load'>, exec: CodeExec): Promise<string> {
  try {
    return await code.load(exec);
  } catch (error) {
    if (isFault(error, 'BLOB_NOT_FOUND')) throw missing();
    throw error;
  }
}

function missing() {
  return functionFault('EARLIER_CODE_MISSING', 'No earlier code of the action is kept.', {
    hint: 'Ward keeps the code that the last change of an action’s code replaced, if the namespace’s quota has room for it.',
  });
}
