/** The whole application: a login, or the shell around a page. */
import { useEffect } from 'preact/hooks';
import { ErrorNote } from '../components/error-note.tsx';
import { Toasts } from '../components/toasts.tsx';
import { Login } from './login.tsx';
import { sessionState, startSession } from './session.ts';
import { Shell } from './shell.tsx';

export function Console() {
  useEffect(() => void startSession(), []);
  const state = sessionState.value;
  return (
    <>
      {state.is === 'open' && <Shell session={state.session} />}
      {state.is === 'none' && <Login why={state.why} before={state.error} />}
      {state.is === 'failed' && (
        <main class="alone">
          <ErrorNote error={state.error} onRetry={() => void startSession()} />
        </main>
      )}
      <Toasts />
    </>
  );
}
