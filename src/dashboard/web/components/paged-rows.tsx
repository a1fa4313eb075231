/** A long list whose pages are loaded as they come into view; or why it can't be. */
import type { ComponentChildren } from 'preact';
import { ErrorNote } from './error-note.tsx';
import type { Pages } from './use-pages.ts';
import { type VirtualColumn, VirtualRows } from './virtual-rows.tsx';

interface PagedRowsProps<Row> {
  readonly caption: string;
  /** Class that sets the widths of its columns. */
  readonly layout: string;
  readonly columns: readonly VirtualColumn<Row>[];
  readonly pages: Pages<Row>;
  /** Shown instead of an empty list. */
  readonly children: ComponentChildren;
}

export function PagedRows<Row>({ caption, layout, columns, pages, children }: PagedRowsProps<Row>) {
  const { count, error, rowAt, onVisible, refresh } = pages;
  return (
    <>
      {error !== undefined && <ErrorNote error={error} onRetry={refresh} />}
      {count === 0 && children}
      {count !== undefined && count > 0 && (
        <VirtualRows {...{ caption, layout, columns, count, rowAt, onVisible }} />
      )}
    </>
  );
}
