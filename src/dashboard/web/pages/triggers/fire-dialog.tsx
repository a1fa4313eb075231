/** Fires a trigger with JSON. */
import { useState } from 'preact/hooks';
import { inNamespace, send } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { TextArea } from '../../components/fields.tsx';
import { tell } from '../../components/messages.ts';

interface FireDialogProps {
  readonly name: string;
  readonly onClose: () => void;
  readonly onFired: () => void;
}

const noContent = 204;

export function FireDialog({ name, onClose, onFired }: FireDialogProps) {
  const [text, setText] = useState('{}');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const fire = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const { status } = await send('POST', inNamespace('/api/v1', 'triggers', name), {
        body: payloadOf(text),
      });
      tell(status === noContent ? 'Nothing happened: no rule of the trigger is active.' : `Fired ${name}.`);
      onFired();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Fire ${name}`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void fire();
        }}
      >
        <TextArea label="Payload, a JSON object" value={text} onInput={setText} rows={8} />
        {error !== undefined && <ErrorNote error={error} />}
        <div class="row">
          <Button kind="primary" type="submit" isDisabled={isBusy}>
            {isBusy ? 'Firing…' : 'Fire'}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}

/** @throws Error that says what is wrong with the text */
function payloadOf(text: string): object {
  const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('The payload must be a JSON object, like { "name": "World" }.');
}
