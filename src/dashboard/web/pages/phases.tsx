/** Where the time of a run went, as one bar to scale. */
import { annotationOf, type RunSummary } from '../api/runs.ts';
import { durationText } from '../components/units.ts';

interface Phase {
  readonly kind: 'wait' | 'sandbox' | 'init' | 'run';
  readonly name: string;
  readonly ms: number;
}

export function Phases({ run }: { readonly run: RunSummary }) {
  const phases = phasesOf(run);
  const total = phases.reduce((sum, { ms }) => sum + ms, 0);
  if (total === 0) return null;
  const reason = annotationOf(run, 'startReason');
  return (
    <section class="stack" aria-label="Time line">
      <h2>Time</h2>
      <div>
        <div class="phases" aria-hidden="true">
          {phases
            .filter(({ ms }) => ms > 0)
            .map(({ kind, ms }) => (
              <span key={kind} class={kind} style={{ flexGrow: ms }} />
            ))}
        </div>
        <ul class="legend">
          {phases.map(({ kind, name, ms }) => (
            <li key={kind}>
              <i class={kind} />
              {name} <b>{durationText(ms)}</b>
            </li>
          ))}
        </ul>
      </div>
      {typeof reason === 'string' && <p class="quiet">No warm sandbox took it: {reason}.</p>}
    </section>
  );
}

function phasesOf(run: RunSummary): readonly Phase[] {
  const ms = (key: string) => {
    const value = annotationOf(run, key);
    return typeof value === 'number' && value > 0 ? value : 0;
  };
  const start = annotationOf(run, 'start');
  const init = ms('initTime');
  // The wait contains the start of the sandbox, and the duration contains the initialisation.
  const sandbox = Math.min(ms('sandboxTime'), ms('waitTime'));
  return [
    { kind: 'wait', name: 'waited', ms: ms('waitTime') - sandbox },
    { kind: 'sandbox', name: `sandbox (${typeof start === 'string' ? start : 'none'})`, ms: sandbox },
    { kind: 'init', name: 'init', ms: init },
    { kind: 'run', name: 'run', ms: Math.max(0, (run.duration ?? 0) - init) },
  ];
}
