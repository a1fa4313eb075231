/** Progress of a long command: one line on stderr that is overwritten, only on a terminal. */
import { headWithin, printableLine } from './printable.ts';

/** The parts of a writable stream that this uses. */
interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Progress extends Disposable {
  /** Replaces what was shown. */
  show(text: string): void;
}

/** @param isShown false with --quiet; a stream that is not a terminal shows nothing either */
export function createProgress(stream: ProgressStream, isShown: boolean): Progress {
  if (!isShown || stream.isTTY !== true) return { show: () => {}, [Symbol.dispose]: () => {} };
  const toStart = '\r\u001b[K';
  let shown = '';
  return {
    show(text) {
      // A line that wraps can't be overwritten.
      const fitting = headWithin(printableLine(text), (stream.columns ?? 80) - 1);
      if (fitting === shown) return;
      shown = fitting;
      stream.write(toStart + fitting);
    },
    [Symbol.dispose]() {
      if (shown !== '') stream.write(toStart);
      shown = '';
    },
  };
}
