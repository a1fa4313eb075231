/** An editor for code. Its program is large, so it is loaded with the first page that shows it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ErrorNote } from './error-note.tsx';

interface CodeEditorProps {
  readonly label: string;
  /** What it shows at first, and when this changes. */
  readonly code: string;
  /** Of Ward, for the colours: `nodejs:24`. */
  readonly kind: string;
  readonly isReadOnly?: boolean;
  readonly onInput: (code: string) => void;
  /** Ctrl-S. */
  readonly onSave?: () => void;
}

export function CodeEditor({ label, code, kind, isReadOnly = false, onInput, onSave }: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>();
  const handlers = useRef({ onInput, onSave });
  handlers.current = { onInput, onSave };
  useEffect(() => {
    let end: (() => void) | undefined;
    let isGone = false;
    import('./open-editor.ts').then(({ openEditor }) => {
      if (isGone || place.current === null) return;
      end = openEditor({
        parent: place.current,
        ...{ label, code, kind, isReadOnly },
        onInput: (text) => handlers.current.onInput(text),
        onSave: () => handlers.current.onSave?.(),
      });
    }, setError);
    return () => {
      isGone = true;
      end?.();
    };
  }, [label, code, kind, isReadOnly]);
  return (
    <>
      {error !== undefined && <ErrorNote error={error} />}
      <div class="editor" ref={place} />
    </>
  );
}
