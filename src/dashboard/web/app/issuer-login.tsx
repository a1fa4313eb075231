/** Logging in at an issuer of the operator's: one button for each, and the choice of a namespace afterwards. */
import { useState } from 'preact/hooks';
import { call } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { SelectField } from '../components/fields.tsx';
import { chooseNamespace, type IssuerVisit, leaveForIssuer } from './session.ts';

/** `GET /console/session/choice`. */
interface Choices {
  readonly name: string;
  readonly namespaces: readonly string[];
  readonly operator: boolean;
}

export interface Offered {
  readonly issuers: readonly string[];
  readonly choices: Choices | null;
}

/** What a browser without a session can do besides pasting a key. @throws ApiError */
export async function loadOffered(): Promise<Offered> {
  const root = '/console/session';
  const [{ issuers }, { choices }] = await Promise.all([
    call<Pick<Offered, 'issuers'>>('GET', `${root}/issuer`),
    call<Pick<Offered, 'choices'>>('GET', `${root}/choice`),
  ]);
  return { issuers, choices };
}

export function IssuerButtons({
  issuers,
  visit,
}: {
  readonly issuers: readonly string[];
  readonly visit: IssuerVisit;
}) {
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const leave = async (issuer: string) => {
    setBusy(true);
    setError(undefined);
    try {
      await leaveForIssuer(issuer, visit);
      if (visit === 'beside') setBusy(false);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <div class="stack">
      {issuers.map((issuer) => (
        <Button key={issuer} kind="primary" isDisabled={isBusy} onClick={() => void leave(issuer)}>
          Log in with {new URL(issuer).host}
        </Button>
      ))}
      {error !== undefined && <ErrorNote error={error} />}
    </div>
  );
}

export function ChooseNamespace({ choices }: { readonly choices: Choices }) {
  const { name, namespaces, operator } = choices;
  const [chosen, setChosen] = useState(namespaces[0] ?? '');
  const [error, setError] = useState<unknown>();
  const choose = async () => {
    setError(undefined);
    try {
      await chooseNamespace(chosen === '' ? null : chosen);
    } catch (failure) {
      setError(failure);
    }
  };
  const options = [
    ...namespaces.map((value) => ({ value, text: value })),
    ...(operator ? [{ value: '', text: 'none, only as an operator' }] : []),
  ];
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void choose();
      }}
    >
      <p>
        You are <strong class="breaks">{name}</strong>.
      </p>
      <SelectField label="Namespace" value={chosen} onInput={setChosen} options={options} />
      <Button kind="primary" type="submit">
        Open
      </Button>
      {error !== undefined && <ErrorNote error={error} />}
    </form>
  );
}
