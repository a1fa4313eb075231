/** Of which time calls are counted: in the address. */
import { place, setQuery } from '../app/router.ts';
import { SelectField } from '../components/fields.tsx';

const windows = [
  { value: '5m', text: 'Last 5 minutes' },
  { value: '1h', text: 'Last hour' },
  { value: '1d', text: 'Last 24 hours' },
];
const usual = '1h';

/** As the API names it. */
export function windowHere(): string {
  const asked = place.value.query.get('window') ?? '';
  return windows.some(({ value }) => value === asked) ? asked : usual;
}

export function WindowField() {
  return (
    <SelectField
      label="Calls that began"
      isBare
      value={windowHere()}
      onInput={(window) => setQuery({ window })}
      options={windows}
    />
  );
}
