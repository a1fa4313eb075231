/** Shows what was loaded, or why there is nothing to show. */
import type { ComponentChildren } from 'preact';
import { ErrorNote } from './error-note.tsx';
import type { Loaded } from './use-load.ts';

interface LoadViewProps<T> {
  readonly loaded: Loaded<T>;
  readonly children: (data: T) => ComponentChildren;
}

export function LoadView<T>({ loaded: { data, error, reload }, children }: LoadViewProps<T>) {
  return (
    <>
      {error !== undefined && <ErrorNote error={error} onRetry={reload} />}
      {data !== undefined && children(data)}
      {data === undefined && error === undefined && (
        <p class="quiet loading" role="status">
          Loading…
        </p>
      )}
    </>
  );
}
