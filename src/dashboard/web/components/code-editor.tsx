/** An editor for code. Its program is large, so it is loaded with the first page that shows it. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ErrorNote } from './error-note.tsx';
import type { OpenEditor } from './open-editor.ts';

interface CodeEditorProps {
  readonly label: string;
  /** What it shows. The page keeps it, and takes each change of `onInput`. */
  readonly code: string;
  /** Of Ward, for the colours: `nodejs:24`. */
  readonly kind: string;
  readonly isReadOnly?: boolean;
  /** Shown beside what was changed in it; absent: no changes are shown. */
  readonly before?: string;
  readonly onInput: (code: string) => void;
  /** Ctrl-S. */
  readonly onSave?: () => void;
}

export function CodeEditor(props: CodeEditorProps) {
  const now = { ...props, isReadOnly: props.isReadOnly ?? false };
  const { label, code, kind, isReadOnly, before } = now;
  const place = useRef<HTMLDivElement>(null);
  const [error, setError] = useState<unknown>();
  const editor = useRef<OpenEditor | undefined>(undefined);
  // They can change before the program is there.
  const latest = useRef(now);
  latest.current = now;
  useEffect(() => {
    let isGone = false;
    import('./open-editor.ts').then(({ openEditor }) => {
      if (isGone || place.current === null) return;
      editor.current = openEditor({
        ...latest.current,
        parent: place.current,
        onInput: (text) => latest.current.onInput(text),
        onSave: () => latest.current.onSave?.(),
      });
      editor.current.compare(latest.current.before);
    }, setError);
    return () => {
      isGone = true;
      editor.current?.close();
      editor.current = undefined;
    };
  }, []);
  // At once: later, it would take back what was typed since.
  useLayoutEffect(() => editor.current?.write(code), [code]);
  useEffect(() => editor.current?.set({ label, kind, isReadOnly }), [label, kind, isReadOnly]);
  useEffect(() => editor.current?.compare(before), [before]);
  return (
    <>
      {error !== undefined && <ErrorNote error={error} />}
      <div class="editor" ref={place} />
    </>
  );
}
