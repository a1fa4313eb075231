/** What went wrong: it stays until it is read, with what helps to find out why. */
import { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';
import { Identifier } from './copy.tsx';

interface ErrorNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  readonly onDismiss?: () => void;
}

export function ErrorNote({ error, onRetry, onDismiss }: ErrorNoteProps) {
  const message = error instanceof Error ? error.message : String(error);
  const { code, hint, requestId } = error instanceof ApiError ? error : new ApiError('', {});
  return (
    <div class="note bad" role="alert">
      <p class="preserved">{message}</p>
      {hint !== undefined && <p>{hint}</p>}
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
