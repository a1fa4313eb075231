/**
 * CodeMirror, with the colours of the console. Tab moves the focus on, as everywhere in the page. The editor is in a shadow
 * root: only there does it make its styles in a way that the policy of the page allows.
 */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { python } from '@codemirror/lang-python';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { unifiedMergeView } from '@codemirror/merge';
import { Annotation, Compartment, EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** What can change while it is open. */
interface EditorSettings {
  readonly label: string;
  readonly kind: string;
  readonly isReadOnly: boolean;
}

interface EditorOptions extends EditorSettings {
  readonly parent: HTMLElement;
  readonly code: string;
  readonly onInput: (code: string) => void;
  readonly onSave: () => void;
}

const isWrittenByPage = Annotation.define<true>();

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-value)' },
  { tag: tags.comment, color: 'var(--text-quiet)', fontStyle: 'italic' },
]);

const theme = EditorView.theme({
  '&': { maxHeight: '60vh', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: '1px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', fontSize: 'var(--size-small)', lineHeight: '19px' },
  '.cm-gutters': { border: '0', color: 'var(--text-quiet)', backgroundColor: 'transparent' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-changedLine': { backgroundColor: 'var(--good-ground)' },
  '.cm-deletedChunk': { backgroundColor: 'var(--bad-ground)', color: 'var(--text)' },
  '.cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'none !important',
    textDecoration: 'underline',
  },
  '.cm-activeLine': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    background: 'var(--selected)',
  },
});

export interface OpenEditor {
  /** Shows what differs from this text; undefined: nothing of the kind. */
  compare(before: string | undefined): void;
  /** Puts another text in place of the whole one, if it differs. It can be undone. */
  write(text: string): void;
  set(settings: EditorSettings): void;
  close(): void;
}

export function openEditor({ parent, code, onInput, onSave, ...first }: EditorOptions): OpenEditor {
  const comparison = new Compartment();
  const settings = new Compartment();
  let shown = code;
  const save = {
    key: 'Mod-s',
    run() {
      onSave();
      return true;
    },
  };
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: 'open' });
  const view = new EditorView({
    ...{ root, parent: root },
    doc: code,
    extensions: [
      ...[
        lineNumbers(),
        history(),
        drawSelection(),
        // Code can look different from what it does. Those that reorder text are not all among the usual ones.
        highlightSpecialChars({ addSpecialChars: /[\u202a-\u202c\u2068]/ }),
        highlightActiveLine(),
        bracketMatching(),
        indentOnInput(),
      ],
      ...[syntaxHighlighting(colours), theme, settings.of(extensionsOf(first)), comparison.of([])],
      keymap.of([save, ...defaultKeymap, ...historyKeymap]),
      EditorView.updateListener.of((update) => {
        // The page knows it, also with the line ends that the editor does not keep.
        if (!update.docChanged || update.transactions.some((each) => each.annotation(isWrittenByPage)))
          return;
        shown = update.state.doc.toString();
        onInput(shown);
      }),
    ],
  });
  return {
    compare(before) {
      const changes =
        before === undefined
          ? []
          : unifiedMergeView({ original: before, mergeControls: false, syntaxHighlightDeletions: true });
      view.dispatch({ effects: comparison.reconfigure(changes) });
    },
    write(text) {
      if (text === shown) return;
      shown = text;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        annotations: isWrittenByPage.of(true),
      });
    },
    set: (changed) => view.dispatch({ effects: settings.reconfigure(extensionsOf(changed)) }),
    close: () => view.destroy(),
  };
}

function extensionsOf({ label, kind, isReadOnly }: EditorSettings): Extension {
  return [
    languageOf(kind),
    EditorState.readOnly.of(isReadOnly),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
  ];
}

function languageOf(kind: string): Extension {
  if (kind.startsWith('python')) return python();
  return kind.startsWith('nodejs') ? javascript({ typescript: true }) : [];
}
