/** Calls the function of an error again, once for each of its runs whose whole input Ward kept. It counts them first. */

import { useEffect, useState } from 'preact/hooks';
import type { ErrorGroup } from '../../../../answers/index.ts';
import { startFunction } from '../../api/functions.ts';
import { type KeptInput, readKeptInput } from '../../api/kept-input.ts';
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
  const [kept, setKept] = useState<readonly KeptInput[]>();
  const [started, setStarted] = useState(0);
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const gone = new AbortController();
    readAll(activationIds, gone.signal).then(setKept, (failure: unknown) => {
      if (!gone.signal.aborted) setError(failure);
    });
    return () => gone.abort();
  }, []);
  const inputs = (kept ?? []).flatMap((each) => (each.is === 'whole' ? [each.input] : []));
  if (kept === undefined || inputs.length === 0)
    return (
      <Dialog title={`Run ${action} again`} onClose={onClose}>
        {error !== undefined && <ErrorNote error={error} />}
        {kept === undefined && error === undefined && (
          <p role="status">Counting the inputs that Ward kept…</p>
        )}
        {kept !== undefined && (
          <>
            <p>
              Ward kept the whole input of none of these runs.
              {kept.some(({ is }) => is === 'absent') && (
                <>
                  {' '}
                  It keeps those of functions with the annotation <code>capture-input</code>.
                </>
              )}
            </p>
            <LeftOut kept={kept} />
          </>
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
        {countedText(count, 'run')} had this error. Ward kept the whole input of {countText(inputs.length)} of
        the last {countText(activationIds.length)}. Each is a call of its own.
      </p>
      <LeftOut kept={kept} />
      {started > 0 && <p role="status">{countedText(started, 'call')} started.</p>}
    </Confirm>
  );
}

/** A call with a part of an input would not be the same call. */
const reasons = {
  redacted: 'had values that look like secrets, which Ward does not keep',
  'too-long': 'had more than 64 KiB of input, which Ward does not keep',
} as const;

function LeftOut({ kept }: { readonly kept: readonly KeptInput[] }) {
  const counts = Object.entries(reasons).map(
    ([is, reason]) => [kept.filter((each) => each.is === is).length, reason] as const,
  );
  const found = counts.filter(([count]) => count > 0);
  if (found.length === 0) return null;
  return (
    <p class="note warn">
      Left out: {found.map(([count, reason]) => `${countText(count)} that ${reason}`).join('; ')}.
    </p>
  );
}

async function readAll(ids: readonly string[], signal: AbortSignal): Promise<readonly KeptInput[]> {
  const found: KeptInput[] = [];
  for (const id of ids) found.push(await readKeptInput(id, signal));
  return found;
}
