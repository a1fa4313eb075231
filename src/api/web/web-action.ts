/** Finds an action that is offered to the web, and the namespace that its calls are charged to. */
import { type EntityRef, type Functions, hasRight, type Identity, notFound } from '../../functions/index.ts';
import { isFault } from '../../lib/index.ts';
import { type WebSettings, webSettings } from './settings.ts';

type Resolved = Awaited<ReturnType<Functions['actions']['resolve']>>;

export interface WebAction {
  readonly resolved: Resolved;
  readonly settings: WebSettings;
  /** The owner, whose limits the call is charged to; for Ward's own actions, the caller. */
  readonly payer: Identity;
  /** The caller, if it sent a key that may call. */
  readonly user: Identity | undefined;
  /** Whether the caller sent a key of ours, with any scope. */
  readonly hasKey: boolean;
}

/** The web must not learn why a name leads nowhere. */
const hidden = ['NOT_FOUND', 'NOT_AUTHORIZED', 'WRONG_COLLECTION', 'BINDING_CYCLIC', 'NAME_INVALID'];

/**
 * @param key of the caller, if it sent one
 * @throws Fault NOT_FOUND
 */
export async function findWebAction(
  { actions, namespaces }: Pick<Functions, 'actions' | 'namespaces'>,
  ref: EntityRef,
  key: Identity | undefined,
): Promise<WebAction> {
  try {
    const resolved = await actions.resolve(ref, ref.namespace);
    const settings = webSettings(resolved.action.annotations);
    if (settings === undefined) throw notFound();
    const isWard = resolved.plan.type === 'builtin';
    // Ward's own actions check by themselves what a key may do.
    const user = key !== undefined && (isWard || hasRight(key.scope, 'invoke')) ? key : undefined;
    const payer = isWard && user !== undefined ? user : await namespaces.identityOf(ref.namespace);
    if (payer === undefined) throw notFound();
    return { resolved, settings, payer, user, hasKey: key !== undefined };
  } catch (error) {
    if (isFault(error) && hidden.includes(error.code)) throw notFound();
    throw error;
  }
}
