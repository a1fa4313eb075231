/** A dialog above the page. Escape closes it, and the focus goes back to where it was. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Without a visible title. */
  readonly isPlain?: boolean;
}

export function Dialog({ title, onClose, children, isPlain }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  // At once: keys that are typed next are meant for it.
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it, too
    <dialog
      ref={element}
      aria-label={title}
      onClose={onClose}
      onClick={(event) => {
        // Only its backdrop has the dialog itself as its target.
        if (event.target === element.current) onClose();
      }}
    >
      <div class="dialog">
        {isPlain !== true && <h2>{title}</h2>}
        {children}
      </div>
    </dialog>
  );
}
