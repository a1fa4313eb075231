/** What moves only while the reader is not at work in it. */
import type { ComponentChildren, RefObject } from 'preact';

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

/** Whether the reader is at work in a list, so that nothing in it may move. */
export function isTouched(list: HTMLElement | null): boolean {
  return list !== null && (list.matches(':hover, :focus-within') || list.getBoundingClientRect().top < 0);
}
