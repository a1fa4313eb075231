/** What is known of one thing: names and values, one below the other or side by side. */
import type { ComponentChildren } from 'preact';

/** Undefined ones are left out. */
export type Fact = readonly [name: string, value: ComponentChildren] | undefined;

interface FactsProps {
  readonly facts: readonly Fact[];
  /** Side by side, for a few that are short. */
  readonly isAcross?: boolean;
}

export function Facts({ facts, isAcross }: FactsProps) {
  return (
    <dl class={isAcross ? 'facts across' : 'facts'}>
      {facts.map((fact) => {
        if (fact === undefined) return null;
        const [name, value] = fact;
        return (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        );
      })}
    </dl>
  );
}
