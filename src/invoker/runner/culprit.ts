/** Who owns a sandbox and which activations it runs, to attribute violations. */
import type { ViolationReport } from '../../dispatch/index.ts';
import type { JsonObject } from '../../lib/index.ts';
import type { Violation } from '../../sandbox/index.ts';

export type Culprit = Pick<ViolationReport, 'namespace' | 'action' | 'activationIds'>;

/** Limit of violations in the record of one activation. Further ones are still reported. */
const mostKept = 20;

/** Collects the violations of each activation that is under way in one sandbox. */
export class CulpritNotes {
  #owner: Pick<Culprit, 'namespace' | 'action'> = { namespace: undefined, action: undefined };
  readonly #underWay = new Map<string, Violation[]>();
  #last: string | undefined;

  /**
   * Assigns the sandbox to the action of this environment when it is initialised. The initialisation's violations
   * belong to its activation.
   */
  own(env: JsonObject): string {
    this.#owner = { namespace: text(env, '__OW_NAMESPACE'), action: text(env, '__OW_ACTION_NAME') };
    const id = text(env, '__OW_ACTIVATION_ID') ?? '';
    this.begin(id);
    return id;
  }

  /** The namespace that owns it; '' if there is none yet. */
  get namespace(): string {
    return this.#owner.namespace ?? '';
  }

  begin(activationId: string): void {
    this.#last = activationId;
    this.#underWay.set(activationId, none);
  }

  /** Ends an activation and returns its violations; undefined if there are none. */
  end(activationId: string): readonly Violation[] | undefined {
    const noted = this.#underWay.get(activationId);
    this.#underWay.delete(activationId);
    return noted === none ? undefined : noted;
  }

  /**
   * Attributes a violation to all activations that run, because it is unknown which of them caused it; if none runs,
   * to the last one.
   */
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

/** Shared, since nearly every activation has no violations. */
const none: Violation[] = [];

function text(env: JsonObject, name: string): string | undefined {
  const value = env[name];
  return typeof value === 'string' ? value : undefined;
}
