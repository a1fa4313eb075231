/** The input to run a function with: the last one, or one that this browser keeps under a name. */
import { useState } from 'preact/hooks';
import { forgetInput, keepInput, savedInputs } from '../../api/saved-inputs.ts';
import { Button } from '../../components/button.tsx';
import { SelectField, TextArea, TextField } from '../../components/fields.tsx';

interface InputFieldProps {
  /** Of the browser's storage. */
  readonly item: string;
  readonly value: string;
  readonly onInput: (text: string) => void;
}

export function InputField({ item, value, onInput }: InputFieldProps) {
  const [saved, setSaved] = useState(() => savedInputs(item));
  const [name, setName] = useState('');
  const trimmed = name.trim();
  const isKept = saved.some((each) => each.name === trimmed);
  const choose = (chosen: string) => {
    setName(chosen);
    const found = saved.find((each) => each.name === chosen);
    if (found !== undefined) onInput(found.text);
  };
  return (
    <>
      <TextArea label="Input, as a JSON object" value={value} onInput={onInput} rows={4} />
      <div class="row">
        {saved.length > 0 && (
          <SelectField
            label="Saved inputs"
            value={isKept ? trimmed : ''}
            onInput={choose}
            options={[
              { value: '', text: 'Choose…' },
              ...saved.map((each) => ({ value: each.name, text: each.name })),
            ]}
          />
        )}
        <TextField label="Save this input as" value={name} onInput={setName} placeholder="empty order" />
        <Button
          isDisabled={trimmed === ''}
          onClick={() => setSaved(keepInput(item, { name: trimmed, text: value }))}
        >
          Save the input
        </Button>
        {isKept && (
          <Button
            kind="plain"
            onClick={() => {
              setSaved(forgetInput(item, trimmed));
              setName('');
            }}
          >
            Forget it
          </Button>
        )}
      </div>
    </>
  );
}
