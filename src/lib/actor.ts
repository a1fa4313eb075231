/**
 * Who causes the changes that this part of the program makes. An entrance (a request, an operator's command) says it
 * once, and the audit log's entries name it, however deep the change is made.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Actor {
  /** `guest 4e9c…` (namespace and id of the key; a login's also has the person), `operator 1000` (user of the machine), `ward`. */
  readonly who: string;
  /** Address of the client, or `local`. */
  readonly from: string;
  /** Id of the request. */
  readonly request?: string;
}

const actors = new AsyncLocalStorage<Actor>();

/** A change that no one asked for, such as one that Ward makes at its start. */
const ward: Actor = { who: 'ward', from: 'local' };

/** Does `work`, and everything that it begins, on behalf of the actor. */
export function actAs<T>(actor: Actor, work: () => T): T {
  return actors.run(actor, work);
}

export function currentActor(): Actor {
  return actors.getStore() ?? ward;
}
