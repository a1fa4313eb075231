/** What moves only while the reader is not at work in it. */
import type { ComponentChildren, RefObject } from 'preact';
import { useRef } from 'preact/hooks';

interface HeldProps {
  readonly heldBy: RefObject<HTMLDivElement | null>;
  /** The reader has turned to something else. */
  readonly onLetGo: () => void;
  readonly children: ComponentChildren;
}

export function Held({ heldBy, onLetGo, children }: HeldProps) {
  const look = () => {
    if (!isTouched(heldBy.current)) onLetGo();
  };
  return (
    <div
      ref={heldBy}
      onPointerLeave={look}
      onFocusOut={({ currentTarget, relatedTarget }) => {
        if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) look();
      }}
    >
      {children}
    </div>
  );
}

/** @param show shows what is new: at once, or when the reader has turned to something else */
export function useHeld(
  show: () => void,
): Pick<HeldProps, 'heldBy' | 'onLetGo'> & { readonly hear: () => void } {
  const heldBy = useRef<HTMLDivElement>(null);
  const isWaiting = useRef(false);
  const showNow = () => {
    isWaiting.current = false;
    show();
  };
  return {
    heldBy,
    onLetGo: () => isWaiting.current && showNow(),
    hear() {
      if (isTouched(heldBy.current)) isWaiting.current = true;
      else showNow();
    },
  };
}

/** Whether the reader is at work in a list, so that nothing in it may move. */
export function isTouched(list: HTMLElement | null): boolean {
  return list !== null && (list.matches(':hover, :focus-within') || list.getBoundingClientRect().top < 0);
}
