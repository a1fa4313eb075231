/** Fields of forms, each with its label. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  /** A hidden label, where the place says what it is. */
  readonly isBare?: boolean | undefined;
}

interface LabelledProps extends Pick<FieldProps, 'label' | 'isBare'> {
  /** Of the control. */
  readonly id: string;
  readonly children: ComponentChildren;
}

function Labelled({ id, label, isBare, children }: LabelledProps) {
  return (
    <div class="field">
      <label for={id} class={isBare ? 'unseen' : undefined}>
        {label}
      </label>
      {children}
    </div>
  );
}

interface TextFieldProps extends FieldProps {
  readonly isSecret?: boolean;
  readonly placeholder?: string;
  readonly autoComplete?: 'off' | 'current-password';
  readonly isMono?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { label, value, onInput, isSecret, placeholder, autoComplete = 'off', isMono, isBare } = props;
  const id = useId();
  const rest = {
    ...{ id, value, placeholder, autoComplete, spellcheck: false },
    class: isMono ? 'mono' : undefined,
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => onInput(event.currentTarget.value),
  };
  return (
    <Labelled id={id} label={label} isBare={isBare}>
      {isSecret ? <input type="password" {...rest} /> : <input type="text" {...rest} />}
    </Labelled>
  );
}

/** A day, as `2027-01-31`. */
export function DateField({ label, value, onInput, min }: FieldProps & { readonly min?: string }) {
  const id = useId();
  return (
    <Labelled id={id} label={label}>
      <input
        id={id}
        type="date"
        value={value}
        min={min}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Labelled>
  );
}

interface FileFieldProps {
  readonly label: string;
  readonly onChoose: (file: File) => void;
}

/** One file of the reader's machine. */
export function FileField({ label, onChoose }: FileFieldProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label}>
      <input
        id={id}
        type="file"
        onChange={({ currentTarget: { files } }) => {
          const [chosen] = files ?? [];
          if (chosen !== undefined) onChoose(chosen);
        }}
      />
    </Labelled>
  );
}

interface SelectProps extends FieldProps {
  readonly options: readonly { readonly value: string; readonly text: string }[];
}

export function SelectField({ label, value, onInput, options, isBare }: SelectProps) {
  const id = useId();
  return (
    <Labelled id={id} label={label} isBare={isBare}>
      <select id={id} value={value} onChange={(event) => onInput(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function TextArea({ label, value, onInput, rows = 6 }: FieldProps & { readonly rows?: number }) {
  const id = useId();
  return (
    <Labelled id={id} label={label}>
      <textarea
        id={id}
        class="mono"
        rows={rows}
        spellcheck={false}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Labelled>
  );
}
