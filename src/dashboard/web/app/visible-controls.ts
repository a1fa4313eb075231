/**
 * Strangers write names, logs, findings and error texts. Marks that reorder text can make one look different from what it is,
 * and other control characters are not seen at all. So every text of every page shows them, as the command line does.
 */
import { options } from 'preact';

/** All but line feeds and tabs. */
const controls = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu;

export function visibleText(text: string): string {
  return text.replaceAll(controls, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** For all that is drawn from now on, but what is typed into a field. */
export function showControls(): void {
  const { vnode: before } = options;
  options.vnode = (node) => {
    showIn(node);
    before?.(node);
  };
}

/** A text is a node without a type, whose properties are the text. */
function showIn(node: { type: unknown; props: unknown }): void {
  if (node.type === null && typeof node.props === 'string') node.props = visibleText(node.props);
}
