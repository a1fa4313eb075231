/** The record of a firing: without an end, and with a log entry for each rule. */
import { callerTextOf, Fault, type JsonObject } from '../../lib/index.ts';
import type { ActivationWrite } from '../../store/index.ts';
import { statusCodeOf } from '../activations/record.ts';
import { fullNameOf } from '../entities/names.ts';
import type { FiringRule, FiringTarget } from './firing-target.ts';

/** The outcome of one rule: the invocation of its action, or why it was not invoked. */
export type RuleOutcome = { readonly activationId: string } | RuleRefusal;

type RuleRefusal = { readonly statusCode: number; readonly error: string };

export interface FiringRecord {
  readonly activationId: string;
  readonly target: FiringTarget;
  readonly subject: string;
  /** The payload as it was sent, without the trigger's parameters. */
  readonly payload: JsonObject;
  /** Epoch milliseconds. */
  readonly start: number;
  readonly outcomes: readonly RuleOutcome[];
}

export function firingRecord(record: FiringRecord): ActivationWrite {
  const { activationId, target, subject, payload, start, outcomes } = record;
  const { namespace, name } = target.ref;
  const { version } = target;
  const head = { activationId, namespace, name, version, publish: false, subject, start, annotations: [] };
  const response = { status: 'success', success: true, result: payload };
  return {
    row: {
      activationId,
      namespace,
      name,
      path: name,
      start,
      end: null,
      statusCode: statusCodeOf('success'),
      documentJson: JSON.stringify(head),
      responseJson: JSON.stringify(response),
      usage: null,
    },
    logs: target.rules.map((rule, index) => logEntry(rule, outcomes[index])),
    settles: null,
  };
}

export function inactiveRule({ ref, action }: FiringRule): RuleRefusal {
  const rule = `${ref.namespace}/${ref.name}`;
  const error = `Rule '${rule}' is inactive, action '${fullNameOf(action)}' was not activated.`;
  return { statusCode: statusCodeOf('application error'), error };
}

/** Why an action was not invoked. Reveals nothing of the platform's internals. */
export function refusedCall(error: unknown): RuleRefusal {
  const kind = error instanceof Fault ? error.kind : 'bug';
  const isInside = kind === 'host' || kind === 'bug';
  const isPlatforms = isInside || ['busy', 'overloaded', 'unreachable'].includes(kind);
  return {
    statusCode: statusCodeOf(isPlatforms ? 'whisk internal error' : 'application error'),
    error: isInside ? 'There was an internal server error.' : callerTextOf(error),
  };
}

function logEntry({ ref, action }: FiringRule, outcome: RuleOutcome | undefined): string {
  const names = { rule: `${ref.namespace}/${ref.name}`, action: fullNameOf(action) };
  return JSON.stringify({ statusCode: 0, success: isInvoked(outcome), ...names, ...outcome });
}

export function isInvoked(outcome: RuleOutcome | undefined): boolean {
  return outcome !== undefined && 'activationId' in outcome;
}
