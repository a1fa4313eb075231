/** A command to type elsewhere, with a button that copies it. */
import { Button } from './button.tsx';
import { useCopy } from './copy.tsx';

export function CommandLine({ text }: { readonly text: string }) {
  const [isDone, copy] = useCopy(text);
  return (
    <div class="command">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls, also by keyboard */}
      <pre tabIndex={0}>{text}</pre>
      <Button kind="plain" label="Copy the command" onClick={copy}>
        {isDone ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}
