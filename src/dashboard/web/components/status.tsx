/** A state: a colour, a shape and a word, so that no reader needs the colour. */
export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'busy';

const shapes: Readonly<Record<Tone, string>> = {
  good: 'M2 6.5 5 9.500 10 3',
  warn: 'M6 1.500 11 10.500H1zM6 5v2.500',
  bad: 'M2.500 2.500l7 7m0-7-7 7',
  idle: 'M3 6h6',
  busy: 'M6 1.500a4.500 4.500 0 1 0 .01 0M6 3.500V6l2 1.500',
};

export function Status({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return (
    <span class={`status ${tone}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        <path d={shapes[tone]} />
      </svg>
      {text}
    </span>
  );
}
