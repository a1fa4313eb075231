/** What went wrong: it stays until it is read, with what helps to find out why. */
import { ApiError } from '../api/client.ts';
import { prefix } from '../api/prefix.ts';
import { Button } from './button.tsx';
import { Identifier } from './copy.tsx';

interface ErrorNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly onDismiss?: () => void;
}

/** Faults of the gate, whose messages name the report. */
const refusals: readonly string[] = ['DEPLOYMENT_REFUSED', 'RUN_REFUSED'];

export function ErrorNote({ error, onRetry, onDismiss }: ErrorNoteProps) {
  const message = error instanceof Error ? error.message : String(error);
  const { code, hint, requestId } = error instanceof ApiError ? error : new ApiError('', {});
  const report = refusals.includes(code) ? /sha256:[0-9a-f]{64}/.exec(message)?.[0] : undefined;
  return (
    <div class="note bad" role="alert">
      <p class="preserved">{message}</p>
      {hint !== undefined && <p>{hint}</p>}
      {report !== undefined && (
        <p>
          {/* In another tab, so that nothing that was typed here is lost. */}
          <a href={`${prefix}/console/gate/report/${report}`} target="_blank" rel="noopener">
            What the gate found, and what to do (in a new tab)
          </a>
        </p>
      )}
      {(code !== '' || requestId !== undefined) && (
        <p class="quiet">
          {code !== '' && <code>{code}</code>}
          {code !== '' && requestId !== undefined && ' · '}
          {requestId !== undefined && (
            <>
              request <Identifier text={requestId} what="id of the request" />
            </>
          )}
        </p>
      )}
      {onRetry !== undefined && <Button onClick={onRetry}>Try again</Button>}
      {onDismiss !== undefined && <Button onClick={onDismiss}>Dismiss</Button>}
    </div>
  );
}
