/** How a run ended, in OpenWhisk's words. */
import { hasEnded, isFiring, type RunRecord } from '../api/runs.ts';
import { Status, type Tone } from '../components/status.tsx';

interface Outcome {
  readonly tone: Tone;
  readonly text: string;
}

/** By their numbers in lists, with their words in records. */
const outcomes: readonly (Outcome & { readonly word: string })[] = [
  { word: 'success', tone: 'good', text: 'success' },
  { word: 'application error', tone: 'warn', text: 'application error' },
  { word: 'action developer error', tone: 'bad', text: 'developer error' },
  { word: 'whisk internal error', tone: 'bad', text: 'internal error' },
];
const running: Outcome = { tone: 'busy', text: 'running' };

type Ended = Pick<RunRecord, 'end' | 'statusCode' | 'response'>;

export function RunStatus({ run }: { readonly run: Ended }) {
  const { tone, text } = outcomeOf(run);
  return <Status tone={tone} text={text} />;
}

function outcomeOf(run: Ended): Outcome {
  if (!hasEnded(run)) return running;
  const { response } = run;
  // Lists say nothing of how a firing ended: it always succeeds.
  const statusCode = run.statusCode ?? (isFiring(run) ? 0 : undefined);
  const known = outcomes.find(({ word }, code) => code === statusCode || word === response?.status);
  return known ?? { tone: 'idle', text: response?.status ?? 'unknown' };
}
