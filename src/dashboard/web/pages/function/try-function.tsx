/** Runs a function with an input that this browser remembers, and shows its result and log. */
import { useState } from 'preact/hooks';
import { startFunction } from '../../api/functions.ts';
import { annotationOf, type RunRecord } from '../../api/runs.ts';
import { linkTo } from '../../app/router.ts';
import { currentSession } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { LiveLogView } from '../logs/log-view.tsx';
import { Phases } from '../phases.tsx';
import { RunStatus } from '../run-status.tsx';
import { InputField } from './input-field.tsx';

interface TryFunctionProps {
  readonly path: string;
  /** Shown beside the button. */
  readonly warning: string;
}

interface Trial {
  readonly id: string;
  /** Undefined while it runs; null: no record was kept. */
  readonly record: RunRecord | null | undefined;
}

export function TryFunction({ path, warning }: TryFunctionProps) {
  const item = `ward-input ${currentSession()?.namespace} ${path}`;
  const [input, setInput] = useState(localStorage.getItem(item) ?? '{}');
  const [trial, setTrial] = useState<Trial>();
  const [error, setError] = useState<unknown>();
  const run = async () => {
    setError(undefined);
    try {
      const given: unknown = JSON.parse(input);
      localStorage.setItem(item, input);
      setTrial({ id: await startFunction(path, given), record: undefined });
    } catch (failure) {
      setError(
        failure instanceof SyntaxError ? new Error(`The input is not JSON: ${failure.message}`) : failure,
      );
    }
  };
  return (
    <section class="stack" aria-label="Run it">
      <h2>Run it</h2>
      <InputField item={`${item} saved`} value={input} onInput={setInput} />
      <div class="row">
        <Button kind="primary" onClick={() => void run()}>
          Run
        </Button>
        {warning !== '' && <span class="quiet">{warning}</span>}
      </div>
      {error !== undefined && <ErrorNote error={error} />}
      {trial !== undefined && (
        <TrialView
          key={trial.id}
          trial={trial}
          onEnd={(record) => setTrial((now) => (now?.id === trial.id ? { ...now, record } : now))}
        />
      )}
    </section>
  );
}

const pending = { response: { status: 'pending' } };

interface TrialViewProps {
  readonly trial: Trial;
  readonly onEnd: (record: RunRecord | null) => void;
}

function TrialView({ trial: { id, record }, onEnd }: TrialViewProps) {
  return (
    <div class="stack">
      <div class="row" role="status">
        {record === null ? 'No record was kept.' : <RunStatus run={record ?? pending} />}
        <a class="mono" href={linkTo(['runs', id])}>
          {id}
        </a>
      </div>
      {record && <Phases run={record} />}
      <div class="columns">
        <section class="stack" aria-label="Result">
          <div class="section-head">
            <h2>Result</h2>
          </div>
          {record ? (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a long result scrolls, also by keyboard
            <pre class="text-block" tabIndex={0}>
              {JSON.stringify(record.response?.result ?? null, null, 2)}
            </pre>
          ) : (
            <p class="quiet">It has not ended.</p>
          )}
        </section>
        <LiveLogView
          id={id}
          onEnd={onEnd}
          isLive={record === undefined}
          partial={record ? annotationOf(record, 'partialLog') : undefined}
        />
      </div>
    </div>
  );
}
