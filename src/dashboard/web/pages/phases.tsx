/** Where the time of a run went, as one bar to scale, with what it reached and was refused at its moment. */
import { annotationOf, type RunSummary } from '../api/runs.ts';
import { countedText, countText, durationText } from '../components/units.ts';
import { targetText } from './egress/target.tsx';
import { connectionsOf } from './network.tsx';
import { violationsOf } from './violations.tsx';

interface Phase {
  readonly kind: 'wait' | 'sandbox' | 'init' | 'run';
  readonly name: string;
  readonly ms: number;
}

export function Phases({ run }: { readonly run: RunSummary }) {
  const phases = phasesOf(run);
  const total = phases.reduce((sum, { ms }) => sum + ms, 0);
  if (total === 0) return null;
  const waitReason = annotationOf(run, 'waitReason');
  const reason = annotationOf(run, 'startReason');
  const moments = momentsOf(run, total);
  const refused = moments.filter(({ kind }) => kind === 'refused').length;
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
        {moments.length > 0 && (
          <div class="moments" aria-hidden="true">
            {moments.slice(0, mostMoments).map(({ kind, text, part }, at) => (
              <i key={`${at} ${part}`} class={kind} title={text} style={{ left: `${100 * part}%` }} />
            ))}
          </div>
        )}
        <ul class="legend">
          {phases.map(({ kind, name, ms }) => (
            <li key={kind}>
              <i class={kind} />
              {name} <b>{durationText(ms)}</b>
            </li>
          ))}
          {moments.length > refused && (
            <li>
              <i class="reached" />
              {countedText(moments.length - refused, 'connection')}
            </li>
          )}
          {refused > 0 && (
            <li>
              <i class="refused" />
              {countText(refused)} refused
            </li>
          )}
        </ul>
      </div>
      {typeof waitReason === 'string' && <p class="quiet">It waited: {waitReason}.</p>}
      {typeof reason === 'string' && <p class="quiet">No warm sandbox took it: {reason}.</p>}
    </section>
  );
}

/** Marks that are drawn; the tables below have all. */
const mostMoments = 200;

interface Moment {
  readonly kind: 'reached' | 'refused';
  readonly text: string;
  /** Where on the bar: 0 to 1. */
  readonly part: number;
}

/** @param total of the bar, in milliseconds; it begins when the call was accepted */
function momentsOf(run: RunSummary, total: number): readonly Moment[] {
  const waited = annotationOf(run, 'waitTime');
  const begin = run.start - (typeof waited === 'number' ? waited : 0);
  const partOf = (at: number) => Math.min(1, Math.max(0, (at - begin) / total || 0));
  return [
    ...connectionsOf(run).map((each) => ({
      ...{ kind: 'reached' as const, text: targetText(each), part: partOf(each.at) },
    })),
    ...violationsOf(run).map(({ kind, detail, at }) => ({
      ...{ kind: 'refused' as const, text: `${kind}: ${detail}`, part: partOf(at) },
    })),
  ];
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
