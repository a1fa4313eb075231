/** Asks for a key, or lets a person log in at an issuer. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import { Button } from '../components/button.tsx';
import { CommandLine } from '../components/command-line.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { TextField } from '../components/fields.tsx';
import { ChooseNamespace, IssuerButtons, loadOffered, type Offered } from './issuer-login.tsx';
import { logIn } from './session.ts';

interface LoginProps {
  readonly why: string;
  /** Of an earlier try. */
  readonly before: unknown;
}

export function Login({ why, before }: LoginProps) {
  const [key, setKey] = useState('');
  const [error, setError] = useState(before);
  const [isBusy, setBusy] = useState(false);
  const [{ issuers, choices }, setOffered] = useState<Offered>({ issuers: [], choices: null });
  const visit = before instanceof ApiError && before.code === 'LOGIN_ENDED' ? 'anew' : 'usual';
  const enter = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await logIn({ key });
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  useEffect(() => {
    document.title = 'Log in · Ward';
    // Without an answer there is still the key.
    loadOffered().then(setOffered, () => {});
  }, []);
  return (
    <main class="alone">
      <h1>Ward</h1>
      {why !== '' && (
        <p class="note warn" role="status">
          {why}
        </p>
      )}
      {choices !== null && <ChooseNamespace choices={choices} />}
      {issuers.length > 0 && choices === null && <IssuerButtons issuers={issuers} visit={visit} />}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void enter();
        }}
      >
        <input type="text" autoComplete="username" value="ward" readOnly hidden />
        <TextField
          label="Key of your namespace"
          value={key}
          onInput={setKey}
          isSecret
          autoComplete="current-password"
          isMono
          placeholder="uuid:secret"
        />
        <Button
          kind={issuers.length > 0 ? 'usual' : 'primary'}
          type="submit"
          isDisabled={isBusy || key.trim() === ''}
        >
          {isBusy ? 'Logging in…' : 'Log in'}
        </Button>
      </form>
      {error !== undefined && <ErrorNote error={error} />}
      <section class="stack quiet">
        <p>The command line has your key:</p>
        <CommandLine text="ward property get --auth" />
        <p>Operators of this Ward log in without one. On its machine:</p>
        <CommandLine text="ward console login" />
      </section>
    </main>
  );
}
