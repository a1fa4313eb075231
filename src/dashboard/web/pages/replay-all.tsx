/** Calls functions again, once for each of some runs whose whole input Ward kept. It counts them first. */

import { useEffect, useState } from 'preact/hooks';
import { ApiError } from '../api/client.ts';
import { startFunction } from '../api/functions.ts';
import { type LeftOut, type PastRun, type Replays, readReplays } from '../api/past-runs.ts';
import { goTo, linkTo } from '../app/router.ts';
import { Button } from '../components/button.tsx';
import { Confirm } from '../components/confirm.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { report, tell } from '../components/messages.ts';
import { countedText, countText } from '../components/units.ts';

interface ReplayAllProps {
  /** Of the function; '': of several. */
  readonly name: string;
  readonly select: (signal: AbortSignal) => Promise<Selected>;
  readonly onClose: () => void;
}

interface Selected {
  /** Which runs these are, in a sentence. */
  readonly about: string;
  /** The newest of them. */
  readonly runs: readonly PastRun[];
}

type Counted = Selected & Replays;

export function ReplayAll({ name, select, onClose }: ReplayAllProps) {
  const [counted, setCounted] = useState<Counted>();
  const [started, setStarted] = useState(0);
  const [absent, setAbsent] = useState<readonly string[]>([]);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const gone = new AbortController();
    countInputs(select, gone.signal).then(setCounted, (failure: unknown) => {
      if (!gone.signal.aborted) setError(failure);
    });
    return () => gone.abort();
  }, []);
  const title = `Run ${name === '' ? 'all' : name} again`;
  if (counted === undefined || counted.replays.length === 0)
    return (
      <Dialog title={title} onClose={onClose}>
        {error !== undefined && <ErrorNote error={error} />}
        {counted === undefined && error === undefined && (
          <p role="status">Counting the inputs that Ward kept…</p>
        )}
        {counted !== undefined && <NoInput counted={counted} />}
        <div class="row">
          <Button onClick={onClose}>Close</Button>
        </div>
      </Dialog>
    );
  const { about, runs, replays, leftOut } = counted;
  const next = replays[started];
  return (
    <Confirm
      title={`${title}?`}
      action={`Start ${countedText(replays.length - started, 'call')}`}
      kind="primary"
      onClose={onClose}
      run={async () => {
        const missing = [...absent];
        // After an error the next try goes on with those that have not started.
        for (const [at, { action, input }] of replays.entries()) {
          if (at < started) continue;
          if (!(await startUnlessGone(action, input))) missing.push(action);
          setAbsent([...missing]);
          setStarted(at + 1);
        }
        const count = replays.length - missing.length;
        if (count > 0) tell(`Started ${countedText(count, 'call')}${name === '' ? '' : ` of ${name}`}.`);
        if (missing.length > 0) report(new Error(goneText(missing)));
        goTo(linkTo(['runs'], { name }));
      }}
    >
      <p>
        {about} Ward kept the whole input of {countText(runs.length - inputless(leftOut))} of the last{' '}
        {countText(runs.length)}. Each is a call of its own.
      </p>
      <Reasons leftOut={leftOut} />
      {started > 0 && next !== undefined && (
        <p role="status">
          {countedText(started - absent.length, 'call')} started. The next is one of {next.action}.
        </p>
      )}
    </Confirm>
  );
}

/** Returns false when there is no such function any more. */
async function startUnlessGone(...call: Parameters<typeof startFunction>): Promise<boolean> {
  try {
    await startFunction(...call);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return false;
    throw error;
  }
}

function goneText(missing: readonly string[]): string {
  const names = [...new Set(missing)].join(', ');
  return `Not started: ${countedText(missing.length, 'call')}. There is no function any more with the name: ${names}.`;
}

function NoInput({ counted: { about, runs, leftOut } }: { readonly counted: Counted }) {
  if (runs.length === 0) return <p role="status">{about}</p>;
  return (
    <>
      <p>
        {about} Ward kept the whole input of none of these runs.
        {leftOut.includes('absent') && (
          <>
            {' '}
            It keeps those of functions with the annotation <code>capture-input</code>.
          </>
        )}
      </p>
      <Reasons leftOut={leftOut} />
    </>
  );
}

/** A call with a part of an input would not be the same call. */
const reasons: Readonly<Record<Exclude<LeftOut, 'absent'>, string>> = {
  redacted: 'had values that look like secrets, which Ward does not keep',
  'too-long': 'had more than 64 KiB of input, which Ward does not keep',
  part: 'others of these runs call anyway',
  foreign: 'ran functions of other namespaces',
};

/** How many runs have no whole input, or none that is read. */
function inputless(leftOut: readonly LeftOut[]): number {
  return leftOut.filter((each) => each !== 'part').length;
}

function Reasons({ leftOut }: Pick<Replays, 'leftOut'>) {
  const counts = Object.entries(reasons).map(
    ([is, reason]) => [leftOut.filter((each) => each === is).length, reason] as const,
  );
  const found = counts.filter(([count]) => count > 0);
  if (found.length === 0) return null;
  return (
    <p class="note warn">
      Left out: {found.map(([count, reason]) => `${countText(count)} that ${reason}`).join('; ')}.
    </p>
  );
}

async function countInputs(select: ReplayAllProps['select'], signal: AbortSignal): Promise<Counted> {
  const selected = await select(signal);
  return { ...selected, ...(await readReplays(selected.runs, signal)) };
}
