/** Claims a domain for a package or an API. */
import { useState } from 'preact/hooks';
import { send } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { SelectField, TextField } from '../../components/fields.tsx';

interface ClaimDomainProps {
  readonly onClose: () => void;
  readonly onClaimed: () => void;
}

const targets = [
  { value: 'package', text: 'the web actions of a package' },
  { value: 'api', text: 'an API of the gateway' },
];

export function ClaimDomain({ onClose, onClaimed }: ClaimDomainProps) {
  const [name, setName] = useState('');
  const [target, setTarget] = useState('package');
  const [of, setOf] = useState('default');
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const claim = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await send('PUT', `/ward/v1/domains/${encodeURIComponent(name)}`, { body: { [target]: of } });
      onClaimed();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Claim a domain" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void claim();
        }}
      >
        <TextField label="Domain" value={name} onInput={setName} isMono placeholder="shop.example.com" />
        <SelectField
          label="Serves"
          value={target}
          onInput={(next) => {
            setTarget(next);
            setOf(next === 'package' ? 'default' : '/');
          }}
          options={targets}
        />
        <TextField
          label={target === 'package' ? 'Package' : 'Base path of the API'}
          value={of}
          onInput={setOf}
          isMono
        />
        {error !== undefined && <ErrorNote error={error} />}
        <div class="row">
          <Button kind="primary" type="submit" isDisabled={isBusy || name === '' || of === ''}>
            {isBusy ? 'Claiming…' : 'Claim'}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </div>
      </form>
    </Dialog>
  );
}
