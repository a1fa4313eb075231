/** A key that was just made. Ward keeps only a hash of it, so this is the only time that anybody sees it. */
import { Button } from '../../components/button.tsx';
import { CommandLine } from '../../components/command-line.tsx';

interface ShownKeyProps {
  readonly text: string;
  readonly onClose: () => void;
}

export function ShownKey({ text, onClose }: ShownKeyProps) {
  return (
    <div class="stack">
      <p class="note warn">This key is shown only now. Copy it to where it is needed.</p>
      <CommandLine text={text} />
      <div class="row">
        <Button kind="primary" onClick={onClose}>
          I have copied it
        </Button>
      </div>
    </div>
  );
}
