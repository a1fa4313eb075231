/** Whose sandbox it is and what it is doing, as far as violations are concerned. */
import type { ViolationReport } from '../../dispatch/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';

export type Culprit = Pick<ViolationReport, 'namespace' | 'action' | 'activationIds'>;

/** Kept in the record of one activation. Further ones are still reported. */
const mostKept = 20;

/** Keeps what was noted for each activation that is under way in one sandbox. */
export class CulpritNotes {
  #owner: Pick<Culprit, 'namespace' | 'action'> = { namespace: undefined, action: undefined };
  readonly #underWay = new Map<string, Violation[]>();
  #last: string | undefined;

  /** From its initialisation, which has this environment, on it is the action's. Its notes belong to the activation that it is made for. */
  own(env: JsonObject): string {
    this.#owner = { namespace: text(env, '__OW_NAMESPACE'), action: text(env, '__OW_ACTION_NAME') };
    const id = text(env, '__OW_ACTIVATION_ID') ?? '';
    this.begin(id);
    return id;
  }

  /** The namespace that owns it; '' while there is none. */
  get namespace(): string {
    return this.#owner.namespace ?? '';
  }

  begin(activationId: string): void {
    this.#last = activationId;
    this.#underWay.set(activationId, none);
  }

  /** What was noted while it ran; undefined when there was nothing. */
  end(activationId: string): readonly Violation[] | undefined {
    const noted = this.#underWay.get(activationId);
    this.#underWay.delete(activationId);
    return noted === none ? undefined : noted;
  }

  /** Of several that run at once nobody knows which it was: it is all of theirs. After the last, it is the last one's. */
  note(violation: Violation): Culprit {
    const ids = [...this.#underWay.keys()];
    for (const id of ids) {
      const noted = this.#underWay.get(id) ?? none;
      if (noted.length < mostKept) this.#underWay.set(id, [...noted, violation]);
    }
    const last = this.#last === undefined ? [] : [this.#last];
    return { ...this.#owner, activationIds: (ids.length > 0 ? ids : last).filter((id) => id !== '') };
  }
}

/** One for all, since nearly every activation has none. */
const none: Violation[] = [];

function text(env: JsonObject, name: string): string | undefined {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}
