/** Asks before something that cannot be undone. What fails is said in the dialog, which stays open. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { ErrorNote } from './error-note.tsx';
import { TextField } from './fields.tsx';

interface ConfirmProps {
  readonly title: string;
  /** What happens, in a sentence or two. */
  readonly children: ComponentChildren;
  /** Text of the button: `Delete 3 dead letters`. */
  readonly action: string;
  readonly kind?: 'danger' | 'primary';
  /** A name to type first. */
  readonly typed?: string;
  readonly run: () => Promise<void>;
  readonly onClose: () => void;
}

export function Confirm({ title, children, action, kind = 'danger', typed, run, onClose }: ConfirmProps) {
  const [text, setText] = useState('');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const confirm = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await run();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {children}
        {typed !== undefined && (
          <TextField label={`Type ${typed} to confirm`} value={text} onInput={setText} isMono />
        )}
        {error !== undefined && <ErrorNote error={error} />}
        <div class="row">
          <Button kind={kind} type="submit" isDisabled={isBusy || (typed !== undefined && text !== typed)}>
            {isBusy ? 'Working…' : action}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
