/** Finds an action that is offered to the web, and who pays for a call of it. */
import { type EntityRef, type Functions, hasRight, type Identity, notFound } from '../../functions/index.ts';
import { isFault } from '../../lib/index.ts';
import { type WebSettings, webSettings } from './settings.ts';

type Resolved = Awaited<ReturnType<Functions['actions']['resolve']>>;

export interface WebAction {
  readonly resolved: Resolved;
  readonly settings: WebSettings;
  /** Whose limits the call is charged to: the owner's. What Ward itself carries out is the caller's. */
  readonly payer: Identity;
  /** The caller, as far as a key was sent that may call. */
  readonly user: Identity | undefined;
  /** A key of ours was sent, whatever it may do. */
  readonly hasKey: boolean;
}

/** Why a name leads nowhere is not the web's to know. */
const hidden = ['NOT_FOUND', 'NOT_AUTHORIZED', 'WRONG_COLLECTION', 'BINDING_CYCLIC', 'NAME_INVALID'];

/**
 * @param key of the caller, if one was sent
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
    // What a key may do of Ward's own, Ward's own actions decide.
    const user = key !== undefined && (isWard || hasRight(key.scope, 'invoke')) ? key : undefined;
    const payer = isWard && user !== undefined ? user : await namespaces.identityOf(ref.namespace);
    if (payer === undefined) throw notFound();
    return { resolved, settings, payer, user, hasKey: key !== undefined };
  } catch (error) {
    if (isFault(error) && hidden.includes(error.code)) throw notFound();
    throw error;
  }
}
