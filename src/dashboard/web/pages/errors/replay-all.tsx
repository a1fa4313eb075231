/** Calls the function of an error again, once for each of its runs whose input Ward kept. It counts them first. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, call } from '../../api/client.ts';
import { startFunction } from '../../api/functions.ts';
import { type ErrorGroup, inputPath } from '../../api/runs.ts';
import { goTo, linkTo } from '../../app/router.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { tell } from '../../components/messages.ts';
import { countedText, countText } from '../../components/units.ts';

interface ReplayAllProps {
  readonly group: ErrorGroup;
  readonly onClose: () => void;
}

export function ReplayAll({ group: { action, count, activationIds }, onClose }: ReplayAllProps) {
  const [inputs, setInputs] = useState<readonly unknown[]>();
  const [started, setStarted] = useState(0);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const gone = new AbortController();
    keptInputs(activationIds, gone.signal).then(setInputs, (failure: unknown) => {
      if (!gone.signal.aborted) setError(failure);
    });
    return () => gone.abort();
  }, []);
  if (inputs === undefined || inputs.length === 0)
    return (
      <Dialog title={`Run ${action} again`} onClose={onClose}>
        {error !== undefined && <ErrorNote error={error} />}
        {inputs === undefined && error === undefined && (
          <p role="status">Counting the inputs that Ward kept…</p>
        )}
        {inputs !== undefined && (
          <p>
            Ward kept the input of none of these runs. It keeps those of functions with the annotation{' '}
            <code>capture-input</code>.
          </p>
        )}
        <div class="row">
          <Button onClick={onClose}>Close</Button>
        </div>
      </Dialog>
    );
  return (
    <Confirm
      title={`Run ${action} again?`}
      action={`Start ${countedText(inputs.length - started, 'call')}`}
      kind="primary"
      onClose={onClose}
      run={async () => {
        // After an error the next try goes on with those that have not started.
        for (const [at, input] of inputs.entries()) {
          if (at < started) continue;
          await startFunction(action, input);
          setStarted(at + 1);
        }
        tell(`Started ${countedText(inputs.length, 'call')} of ${action}.`);
        goTo(linkTo(['runs'], { name: action }));
      }}
    >
      <p>
        {countedText(count, 'run')} had this error. Ward kept the input of {countText(inputs.length)} of the
        last {countText(activationIds.length)}, without what looks like a secret. Each is a call of its own.
      </p>
      {started > 0 && <p role="status">{countedText(started, 'call')} started.</p>}
    </Confirm>
  );
}

async function keptInputs(ids: readonly string[], signal: AbortSignal): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (const id of ids)
    try {
      found.push(await call<unknown>('GET', inputPath(id), { signal }));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) throw error;
    }
  return found;
}
