/** An editor for code. Its program is large, so it is loaded with the first page that shows it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ErrorNote } from './error-note.tsx';
import type { OpenEditor } from './open-editor.ts';

interface CodeEditorProps {
  readonly label: string;
  /** What it shows at first, and when this changes. */
  readonly code: string;
  /** Of Ward, for the colours: `nodejs:24`. */
  readonly kind: string;
  readonly isReadOnly?: boolean;
  /** Shown beside what was changed in it; absent: no changes are shown. */
  readonly before?: string;
  /** A new object puts its text into the editor, in place of what is there. */
  readonly given?: { readonly text: string } | undefined;
  readonly onInput: (code: string) => void;
  /** Ctrl-S. */
  readonly onSave?: () => void;
}

export function CodeEditor({
  label,
  code,
  kind,
  isReadOnly = false,
  before,
  given,
  onInput,
  onSave,
}: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>();
  const handlers = useRef({ onInput, onSave });
  handlers.current = { onInput, onSave };
  const editor = useRef<OpenEditor | undefined>(undefined);
  const compared = useRef(before);
  compared.current = before;
  useEffect(() => {
    let isGone = false;
    import('./open-editor.ts').then(({ openEditor }) => {
      if (isGone || place.current === null) return;
      editor.current = openEditor({
        parent: place.current,
        ...{ label, code, kind, isReadOnly },
        onInput: (text) => handlers.current.onInput(text),
        onSave: () => handlers.current.onSave?.(),
      });
      editor.current.compare(compared.current);
    }, setError);
    return () => {
      isGone = true;
      editor.current?.close();
      editor.current = undefined;
    };
  }, [label, code, kind, isReadOnly]);
  useEffect(() => editor.current?.compare(before), [before]);
  useEffect(() => {
    if (given !== undefined) editor.current?.write(given.text);
  }, [given]);
  return (
    <>
      {error !== undefined && <ErrorNote error={error} />}
      <div class="editor" ref={place} />
    </>
  );
}
