/** An identifier: whole, in monospace, and copied by a click. */
import { useEffect, useState } from 'preact/hooks';
import { report } from './messages.ts';

const shownMs = 1500;

/** @returns whether it was copied just now, and how to do so */
export function useCopy(text: string): readonly [isDone: boolean, copy: () => void] {
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), shownMs);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setDone(true),
      () => report(new Error('The browser did not let this page copy. Select the text instead.')),
    );
  };
  return [isDone, copy];
}

/** @param what names it for a screen reader: `id of the run` */
export function Identifier({ text, what }: { readonly text: string; readonly what: string }) {
  const [isDone, copy] = useCopy(text);
  return (
    <button type="button" class="identifier" title={`Copy the ${what}`} onClick={copy}>
      {text}
      <span class="copied" aria-live="polite">
        {isDone ? ' copied' : ''}
      </span>
    </button>
  );
}
