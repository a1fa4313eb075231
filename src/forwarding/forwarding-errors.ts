/** Why the logs of a namespace were not sent, for its owner: a few texts, and how often each was the reason. */

export interface ForwardingError {
  readonly text: string;
  readonly times: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

const mostErrors = 10;

/** Adds up those of the same text. The ten newest, newest last. */
export function addUpErrors(errors: readonly ForwardingError[]): readonly ForwardingError[] {
  const sums = new Map<string, ForwardingError>();
  for (const { text, times, lastAt } of errors) {
    const known = sums.get(text);
    sums.set(text, {
      text,
      times: times + (known?.times ?? 0),
      lastAt: Math.max(lastAt, known?.lastAt ?? lastAt),
    });
  }
  return [...sums.values()].toSorted((a, b) => a.lastAt - b.lastAt).slice(-mostErrors);
}

export function shownError({ text, times, lastAt }: ForwardingError): string {
  const often = times === 1 ? '' : ` (${times} times, last)`;
  return `${new Date(lastAt).toISOString()}${often}: ${text}`;
}
