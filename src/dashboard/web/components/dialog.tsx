/** A dialog above the page. Escape and a click beside it close it, and the focus goes back to where it was. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Without a visible title. */
  readonly isPlain?: boolean;
  /** Nothing closes it but what is in it: it shows something that nobody sees again. */
  readonly isSticky?: boolean;
}

export function Dialog({ title, onClose, children, isPlain, isSticky = false }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const isPressedBeside = useRef(false);
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
      // Browsers close it at a second Escape, whatever a page says to the first. So it opens again.
      onClose={() => (isSticky ? element.current?.showModal() : onClose())}
      // Only its backdrop has the dialog itself as its target, and so has the click that ends a selection beside it.
      onPointerDown={({ target }) => {
        isPressedBeside.current = target === element.current;
      }}
      onClick={({ target }) => {
        if (!isSticky && isPressedBeside.current && target === element.current) onClose();
      }}
    >
      <div class="dialog">
        {isPlain !== true && <h2>{title}</h2>}
        {children}
      </div>
    </dialog>
  );
}
