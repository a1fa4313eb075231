/** Creates a namespace, and shows its first key once. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { TextField } from '../../components/fields.tsx';
import { ShownKey } from './shown-key.tsx';

interface NewNamespaceProps {
  readonly onClose: () => void;
  readonly onMade: () => void;
}

export function NewNamespace({ onClose, onMade }: NewNamespaceProps) {
  const [name, setName] = useState('');
  const [key, setKey] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const create = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const body = { name };
      const made = await call<{ readonly key: string }>('POST', '/ward/v1/operator/namespaces', { body });
      setKey(made.key);
      onMade();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <Dialog
      title={key === undefined ? 'New namespace' : `The key of ${name}`}
      isSticky={key !== undefined}
      onClose={onClose}
    >
      {key !== undefined ? (
        <ShownKey text={key} onClose={onClose} />
      ) : (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void create();
          }}
        >
          <TextField label="Name" value={name} onInput={setName} isMono />
          {error !== undefined && <ErrorNote error={error} />}
          <div class="row">
            <Button kind="primary" type="submit" isDisabled={isBusy || name === ''}>
              {isBusy ? 'Creating…' : 'Create'}
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
