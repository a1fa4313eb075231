/** Triggers, what fires them, and what they call, as the API answers. All times are epoch milliseconds. */

interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}

export interface TriggerSummary {
  readonly name: string;
  readonly updated: number;
  readonly annotations: readonly KeyValue[];
}

interface EntityPath {
  readonly path: string;
  readonly name: string;
}

export interface Trigger extends TriggerSummary {
  readonly version: string;
  readonly parameters: readonly KeyValue[];
  /** By their full names. */
  readonly rules: Readonly<Record<string, { readonly action: EntityPath; readonly status: string }>>;
}

export interface RuleSummary {
  readonly name: string;
  readonly trigger: EntityPath;
  readonly action: EntityPath;
}

/** The record of a trigger's firing; each line of its log is the outcome of a rule. */
export interface Firing {
  readonly activationId: string;
  readonly start: number;
  readonly logs?: readonly string[];
}
