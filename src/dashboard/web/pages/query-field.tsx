/** A field that filters a list, and is in the address. */
import { place, setQuery } from '../app/router.ts';
import { TextField } from '../components/fields.tsx';

interface QueryFieldProps {
  /** Of the address. */
  readonly name: string;
  readonly label: string;
  readonly placeholder?: string;
  /** Others to clear when it changes: where the list goes on. */
  readonly clears?: readonly string[];
}

export function QueryField({ name, label, placeholder = label, clears = [] }: QueryFieldProps) {
  const cleared = Object.fromEntries(clears.map((each) => [each, '']));
  return (
    <TextField
      label={label}
      isBare
      placeholder={placeholder}
      value={place.value.query.get(name) ?? ''}
      onInput={(text) => setQuery({ ...cleared, [name]: text })}
    />
  );
}
