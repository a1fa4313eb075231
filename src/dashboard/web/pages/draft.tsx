/** Keeps what is typed in an editor until it is saved, and says when it was restored. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { type Draft, draftItem, forgetDraft, keepDraft, readDraft } from '../api/drafts.ts';
import { currentSession } from '../app/session.ts';
import { Button } from '../components/button.tsx';
import { Time } from '../components/time.tsx';

export interface DraftOf {
  /** Of the storage. */
  readonly item: string;
  /** What was typed before the page was shown; undefined: nothing, or it was saved or discarded since. */
  readonly restored: Draft | undefined;
  /** @param saved what Ward has now; undefined: the text is not wanted */
  readonly end: (saved?: string) => void;
}

/** @param what the path of a function; undefined: a new one */
export function useDraft(what?: string): DraftOf {
  return useDraftAt(draftItem(currentSession()?.namespace ?? '', what));
}

/** @param item of the storage */
export function useDraftAt(item: string): DraftOf {
  const [restored, setRestored] = useState(() => readDraft(item));
  return {
    item,
    restored,
    end(saved) {
      forgetDraft(item, saved);
      setRestored(undefined);
    },
  };
}

/**
 * @param item of the storage
 * @param draft undefined: there is nothing to keep
 * @param isEditable false: the text is not the reader's, and what is kept stays
 * @returns whether what was typed outlasts the page
 */
export function useKeeping(item: string, draft: Omit<Draft, 'at'> | undefined, isEditable = true): boolean {
  const [isKept, setKept] = useState(true);
  // Not later: the end of a session takes the page away at once.
  useLayoutEffect(() => {
    if (!isEditable) return;
    if (draft === undefined) forgetDraft(item);
    setKept(draft === undefined || keepDraft(item, draft));
  }, [item, isEditable, draft?.text, draft?.name, draft?.exec.kind, draft?.exec.main, draft?.tag]);
  useEffect(() => {
    if (isKept) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [isKept]);
  return isKept;
}

interface DraftNoteProps {
  /** `hello`, or what a new function is called. */
  readonly of: string;
  /** What that is. */
  readonly kind?: 'function' | 'policy';
  readonly restored: Draft | undefined;
  /** What happened to it since the text was begun. */
  readonly since?: 'changed' | 'deleted' | undefined;
  readonly onDiscard: () => void;
}

/** Says that the editor shows what was typed earlier. */
export function DraftNote({ of, kind = 'function', restored, since, onDiscard }: DraftNoteProps) {
  if (restored === undefined) return null;
  return (
    <div class="note" role="status">
      <p class="row">
        <span>
          Unsaved text of {of}, typed at <Time at={restored.at} />, is restored.
          {since !== undefined && ` The ${kind} was ${since} since.`}
        </span>
        <Button onClick={onDiscard}>Discard it</Button>
      </p>
    </div>
  );
}

/** Shows what was typed for a function that has no text any more. */
export function LostDraft({ of, restored, since, onDiscard }: DraftNoteProps) {
  if (restored === undefined) return null;
  return (
    <section class="stack" aria-label="Unsaved text">
      <DraftNote {...{ of, restored, since, onDiscard }} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, also by keyboard */}
      <pre class="text-block" tabIndex={0}>
        {restored.text}
      </pre>
    </section>
  );
}

/** Says whether what was typed is saved, and whether it would be lost with the page. */
export function NotSaved({ isKept }: { readonly isKept: boolean }) {
  return (
    <span class="quiet">{isKept ? 'not saved' : 'not saved, and too long to be kept when you leave'}</span>
  );
}
