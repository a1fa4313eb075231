/** The messages, above the page. The newest is at the bottom; more than fit scroll. */
import { ErrorNote } from './error-note.tsx';
import { dismiss, messages } from './messages.ts';

export function Toasts() {
  return (
    <section class="toasts" aria-label="Messages">
      {messages.value.toReversed().map(({ id, text, error }) =>
        text === undefined ? (
          <ErrorNote key={id} error={error} onDismiss={() => dismiss(id)} />
        ) : (
          <p key={id} class="note good" role="status">
            {text}
          </p>
        ),
      )}
    </section>
  );
}
