/** Nothing is here yet: says why, and what to do next. */
import type { ComponentChildren } from 'preact';
import { CommandLine } from './command-line.tsx';

interface EmptyProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** The next command. */
  readonly command?: string;
}

export function Empty({ title, children, command }: EmptyProps) {
  return (
    <section class="empty">
      <h2>{title}</h2>
      <p class="quiet">{children}</p>
      {command !== undefined && <CommandLine text={command} />}
    </section>
  );
}
