/** The keys of a namespace: makes further ones, which are shown once, and deletes them. */

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Key } from '../../../../answers/index.ts';
import { call, send } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { currentSession } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Identifier } from '../../components/copy.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { SelectField, TextField } from '../../components/fields.tsx';
import { tell } from '../../components/messages.ts';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { ShownKey } from './shown-key.tsx';

interface KeysSectionProps {
  readonly root: string;
  readonly name: string;
  readonly keys: readonly Key[];
  readonly onChanged: () => void;
  /** Below the list. */
  readonly children: ComponentChildren;
}

export function KeysSection({ root, name, keys, onChanged, children }: KeysSectionProps) {
  const [isOpen, setOpen] = useState(false);
  const [doomed, setDoomed] = useState<Key>();
  const columns: readonly Column<Key>[] = [
    { title: 'Key id', cell: ({ keyId }) => <Identifier text={keyId} what="id of the key" /> },
    { title: 'Scope', cell: ({ scope }) => scope },
    {
      title: 'Label',
      cell: ({ label, isFirst }) =>
        isFirst ? <span class="quiet">the first key</span> : <span class="breaks">{label}</span>,
    },
    { title: 'Made by', cell: ({ maker }) => <span class="breaks">{maker ?? ''}</span> },
    { title: 'Created', cell: ({ createdAt }) => <Time at={createdAt} /> },
    {
      title: 'Expires',
      cell: ({ expiresAt }) =>
        expiresAt === null ? <span class="quiet">never</span> : <Time at={expiresAt} />,
    },
    {
      title: 'Do',
      cell: (key) =>
        !key.isFirst && (
          <Button kind="danger" label={`Delete the key ${key.keyId}`} onClick={() => setDoomed(key)}>
            Delete…
          </Button>
        ),
    },
  ];
  return (
    <Section title="Keys" actions={<Button onClick={() => setOpen(true)}>New key…</Button>}>
      <Table caption="Keys" columns={columns} rows={keys} keyOf={({ keyId }) => keyId} />
      <p class="quiet breaks">{children}</p>
      {isOpen && <NewKey root={root} name={name} onClose={() => setOpen(false)} onMade={onChanged} />}
      {doomed !== undefined && (
        <Confirm
          title="Delete this key?"
          action="Delete the key"
          typed={name}
          onClose={() => setDoomed(undefined)}
          run={async () => {
            await send('DELETE', `${root}/keys/${encodeURIComponent(doomed.keyId)}`);
            tell('Deleted the key.');
            onChanged();
          }}
        >
          <p>
            Everything that uses <code>{doomed.keyId}</code> is refused from then on.
            {doomed.keyId === currentSession()?.keyId && ' So is this browser: it is logged in with it.'}
          </p>
        </Confirm>
      )}
    </Section>
  );
}

const scopes = [
  { value: 'read', text: 'read: look at everything' },
  { value: 'invoke', text: 'invoke: run and fire' },
  { value: 'deploy', text: 'deploy: look and change' },
  { value: 'full', text: 'full: look, change, run and fire' },
  { value: 'admin', text: 'admin: full, and keys and members' },
];
const dayMs = 86_400_000;
const lives = [
  { value: '', text: 'never' },
  { value: '1', text: 'in a day' },
  { value: '30', text: 'in 30 days' },
  { value: '365', text: 'in a year' },
];

interface NewKeyProps {
  readonly root: string;
  readonly name: string;
  readonly onClose: () => void;
  readonly onMade: () => void;
}

function NewKey({ root, name, onClose, onMade }: NewKeyProps) {
  const [scope, setScope] = useState('read');
  const [label, setLabel] = useState('');
  const [days, setDays] = useState('');
  const [made, setMade] = useState<string>();
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    setError(undefined);
    const expiresAt = days === '' ? null : serverNow() + Number(days) * dayMs;
    try {
      const body = { scope, label, expiresAt };
      setMade((await call<{ readonly key: string }>('POST', `${root}/keys`, { body })).key);
      onMade();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return (
    <Dialog
      title={made === undefined ? `New key of ${name}` : 'The new key'}
      isSticky={made !== undefined}
      onClose={onClose}
    >
      {made !== undefined ? (
        <ShownKey text={made} onClose={onClose} />
      ) : (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <SelectField label="Scope" value={scope} onInput={setScope} options={scopes} />
          <TextField label="What it is for" value={label} onInput={setLabel} />
          <SelectField label="Expires" value={days} onInput={setDays} options={lives} />
          {error !== undefined && <ErrorNote error={error} />}
          <div class="row">
            <Button kind="primary" type="submit" isDisabled={isBusy}>
              {isBusy ? 'Making…' : 'Make the key'}
            </Button>
            <Button onClick={onClose}>Cancel</Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
