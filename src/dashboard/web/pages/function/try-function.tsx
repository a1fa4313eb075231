/** Runs a function with an input that this browser remembers, and shows its result and log. */
import { useEffect, useState } from 'preact/hooks';
import { follow } from '../../api/event-source.ts';
import { startFunction } from '../../api/functions.ts';
import { annotationOf, type RunRecord, runStream } from '../../api/runs.ts';
import { linkTo } from '../../app/router.ts';
import { currentSession } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { LogView } from '../logs/log-view.tsx';
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
  readonly lines: readonly unknown[];
  /** Undefined while it runs; null: no record was kept. */
  readonly record: RunRecord | null | undefined;
}

export function TryFunction({ path, warning }: TryFunctionProps) {
  const item = `ward-input ${currentSession()?.namespace} ${path}`;
  const [input, setInput] = useState(localStorage.getItem(item) ?? '{}');
  const [trial, setTrial] = useState<Trial>();
  const [error, setError] = useState<unknown>();
  const id = trial?.id;
  useEffect(() => {
    if (id === undefined) return;
    const change = (of: (before: Trial) => Partial<Trial>) =>
      setTrial((before) => (before?.id === id ? { ...before, ...of(before) } : before));
    return follow({
      path: runStream(id),
      onEvent(event, data) {
        if (event === 'log') change(({ lines }) => ({ lines: [...lines, data] }));
        if (event !== 'end') return false;
        change(() => ({ record: data as RunRecord | null }));
        return true;
      },
    });
  }, [id]);
  const run = async () => {
    setError(undefined);
    try {
      const given: unknown = JSON.parse(input);
      localStorage.setItem(item, input);
      setTrial({ id: await startFunction(path, given), lines: [], record: undefined });
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
      {trial !== undefined && <TrialView trial={trial} />}
    </section>
  );
}

function TrialView({ trial: { id, lines, record } }: { readonly trial: Trial }) {
  return (
    <div class="stack">
      <div class="row" role="status">
        {record === null ? (
          'No record was kept.'
        ) : (
          <RunStatus run={record ?? { activationId: id, name: '', start: 0 }} />
        )}
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
        <LogView
          lines={lines}
          isLive={record === undefined}
          partial={record ? annotationOf(record, 'partialLog') : undefined}
        />
      </div>
    </div>
  );
}
