/** A form above a list, whose filters are in the address. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

interface FilterFormProps {
  readonly onSubmit: () => void;
  readonly children: ComponentChildren;
}

export function FilterForm({ onSubmit, children }: FilterFormProps) {
  return (
    <search>
      <form
        class="row filters"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
      </form>
    </search>
  );
}

/** The text of a field until the form is submitted. Another address replaces it. */
export function useTyped(given: string): readonly [typed: string, type: (text: string) => void] {
  const [state, setState] = useState({ given, typed: given });
  // Not as an effect: it would undo what was typed before it ran.
  if (state.given !== given) setState({ given, typed: given });
  return [state.given === given ? state.typed : given, (typed) => setState({ given, typed })];
}
