/** A row of figures, each a link to what is behind it. */
import type { ComponentChildren } from 'preact';

export interface Figure {
  readonly name: string;
  readonly value: ComponentChildren;
  /** A line below: what it is made of. */
  readonly about?: ComponentChildren;
  readonly link?: string;
}

export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl class="figures">
      {figures.map(({ name, value, about, link }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="value">{link === undefined ? value : <a href={link}>{value}</a>}</dd>
          {about !== undefined && <dd class="quiet">{about}</dd>}
        </div>
      ))}
    </dl>
  );
}
