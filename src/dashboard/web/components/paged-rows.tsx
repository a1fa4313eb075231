/** A long list whose pages are loaded as they come into view; or why it can't be. */
import type { ComponentChildren } from 'preact';
import { Button } from './button.tsx';
import { ErrorNote } from './error-note.tsx';
import { Held } from './held.tsx';
import { countedText } from './units.ts';
import type { Pages } from './use-pages.ts';
import { type VirtualColumn, VirtualRows } from './virtual-rows.tsx';

interface PagedRowsProps<Row> {
  readonly caption: string;
  /** Class that sets the widths of its columns. */
  readonly layout: string;
  readonly columns: readonly VirtualColumn<Row>[];
  readonly pages: Pages<Row>;
  readonly keyOf: (row: Row) => string;
  /** What rows are, for those that are held back: `run`. */
  readonly noun: string;
  /** Shown instead of an empty list. */
  readonly children: ComponentChildren;
}

export function PagedRows<Row>(props: PagedRowsProps<Row>) {
  const { caption, layout, columns, pages, keyOf, noun, children } = props;
  const { count, error, rowAt, onVisible, refresh, waiting, heldBy } = pages;
  return (
    <Held heldBy={heldBy} onLetGo={() => waiting > 0 && refresh()}>
      {error !== undefined && <ErrorNote error={error} onRetry={refresh} />}
      {count === 0 && children}
      <div class="rows-news" role="status">
        {waiting > 0 && (
          <Button onClick={() => showNews(refresh)}>{countedText(waiting, `new ${noun}`)}</Button>
        )}
      </div>
      {count !== undefined && count > 0 && (
        <VirtualRows {...{ caption, layout, columns, count, rowAt, keyOf, onVisible }} />
      )}
    </Held>
  );
}

/** They are on top. The button goes, and with it the focus. */
function showNews(refresh: () => void): void {
  window.scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
  refresh();
}
