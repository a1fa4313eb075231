/** What is known of one thing: names and values, one below the other. */
import type { ComponentChildren } from 'preact';

/** Undefined ones are left out. */
export type Fact = readonly [name: string, value: ComponentChildren] | undefined;

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
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
