/** Cancels all calls that fit the filters and have not ended. It counts them first. */
import { cancelCounted, countCalls } from '../api/calls.ts';
import type { RunFilter } from '../api/runs.ts';
import { Button } from '../components/button.tsx';
import { Confirm } from '../components/confirm.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { tell } from '../components/messages.ts';
import { countedText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';

interface CancelCallsProps {
  readonly filter: RunFilter;
  readonly onClose: () => void;
}

export function CancelCalls({ filter: { name, since }, onClose }: CancelCallsProps) {
  const { data, error } = useLoad((signal) => countCalls({ name, since }, signal), '');
  const of = name === '' ? '' : ` of ${name}`;
  if (data === undefined || data.total === 0)
    return (
      <Dialog title={`Cancel calls${of}`} onClose={onClose}>
        {error !== undefined && <ErrorNote error={error} />}
        {error === undefined && (
          <p role="status">
            {data === undefined ? 'Counting the calls that have not ended…' : `No call${of} is under way.`}
          </p>
        )}
        <div class="row">
          <Button onClick={onClose}>Close</Button>
        </div>
      </Dialog>
    );
  const calls = countedText(data.total, 'call');
  return (
    <Confirm
      title={`Cancel calls${of}?`}
      action={`Cancel ${calls}`}
      onClose={onClose}
      run={async () => {
        tell(`Cancelled ${countedText(await cancelCounted(data), 'call')}${of}.`);
      }}
    >
      <p>
        {calls} {data.total === 1 ? 'runs or waits' : 'run or wait'}. What they have done until now stays
        done; their records say that they were cancelled.
      </p>
    </Confirm>
  );
}
