/**
 * A long list of which only the visible rows are in the page. It scrolls with the window, and asks for pages of rows when
 * they come into view.
 */
import { observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from '@tanstack/virtual-core';
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';

export interface VirtualColumn<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** `number`: to the right. `wide`: not on narrow screens. */
  readonly kind?: 'number' | 'wide' | 'wide number';
  /** Class that says where it stands when rows have several lines. */
  readonly area?: string;
}

interface VirtualRowsProps<Row> {
  readonly caption: string;
  /** Class that sets the widths of its columns. */
  readonly layout: string;
  readonly columns: readonly VirtualColumn<Row>[];
  readonly count: number;
  /** Undefined: it is on its way. */
  readonly rowAt: (index: number) => Row | undefined;
  /** A row stays the same element, with its focus, when others come above it. */
  readonly keyOf: (row: Row) => string;
  readonly onVisible: (first: number, last: number) => void;
}

const overscan = 12;

export function VirtualRows<Row>(props: VirtualRowsProps<Row>) {
  const { caption, layout, columns, count, rowAt, keyOf, onVisible } = props;
  const body = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight(body);
  const [, redraw] = useReducer((round: number) => round + 1, 0);
  const options = {
    ...{ count, overscan, estimateSize: () => rowHeight, getScrollElement: (): Window => window },
    ...{ observeElementRect: observeWindowRect, observeElementOffset: observeWindowOffset },
    scrollToFn: windowScroll,
    scrollMargin: body.current?.offsetTop ?? 0,
    initialOffset: () => window.scrollY,
    onChange: () => redraw(undefined),
  };
  const [virtual] = useState(() => new Virtualizer<Window, HTMLDivElement>(options));
  virtual.setOptions({ ...virtual.options, ...options });
  useEffect(() => virtual._didMount(), [virtual]);
  useEffect(() => virtual._willUpdate());
  useLayoutEffect(() => virtual.measure(), [virtual, rowHeight]);
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (count > 0) onVisible(first, last);
  }, [first, last, count, onVisible]);
  const top = items[0] === undefined ? 0 : items[0].start - options.scrollMargin;
  return (
    // biome-ignore lint/a11y/useSemanticElements: the rows are placed by a grid, and most of them are not in the page
    <div class={`rows ${layout}`} role="table" aria-label={caption} aria-rowcount={count + 1}>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: nothing to focus in a heading */}
      <div class="rows-head" role="row" aria-rowindex={1}>
        {columns.map(({ title, kind = '', area = '' }) => (
          // biome-ignore lint/a11y/useSemanticElements: as above
          // biome-ignore lint/a11y/useFocusableInteractive: as above
          <span key={title} role="columnheader" class={`${kind} ${area}`}>
            {title}
          </span>
        ))}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: as above */}
      <div ref={body} role="rowgroup" style={{ height: `${virtual.getTotalSize()}px` }}>
        <div class="rows-shown" role="presentation" style={{ transform: `translateY(${top}px)` }}>
          {keyed(items, rowAt, keyOf).map(({ key, index, row }) => (
            <ShownRow key={key} {...{ index, columns, row }} />
          ))}
        </div>
      </div>
    </div>
  );
}

/** While pages are on their way, a row can be in two of them. */
function keyed<Row>(
  items: readonly { readonly index: number }[],
  rowAt: (index: number) => Row | undefined,
  keyOf: (row: Row) => string,
) {
  const seen = new Set<string>();
  return items.map(({ index }) => {
    const row = rowAt(index);
    const own = row === undefined ? undefined : keyOf(row);
    const key = own === undefined || seen.has(own) ? `at ${index}` : own;
    seen.add(key);
    return { key, index, row };
  });
}

/** `--row-height`, which depends on the layout and on the width of the window. */
function useRowHeight(body: RefObject<HTMLElement | null>): number {
  const [height, setHeight] = useState(33);
  useLayoutEffect(() => {
    const read = () => {
      if (body.current !== null)
        setHeight(Number.parseFloat(getComputedStyle(body.current).getPropertyValue('--row-height')));
    };
    read();
    window.addEventListener('resize', read);
    return () => window.removeEventListener('resize', read);
  }, [body]);
  return height;
}

interface ShownRowProps<Row> {
  readonly index: number;
  readonly columns: readonly VirtualColumn<Row>[];
  readonly row: Row | undefined;
}

/** Drawn again only when something of it has changed: a scroll draws the list in each frame. */
function ShownRow<Row>({ index, columns, row }: ShownRowProps<Row>) {
  return useMemo(
    () => (
      // biome-ignore lint/a11y/useSemanticElements: the rows are placed by a grid
      // biome-ignore lint/a11y/useFocusableInteractive: the links in it have the focus
      <div class="rows-row" role="row" aria-rowindex={index + 2}>
        {columns.map(({ title, cell, kind = '', area = '' }) => (
          // biome-ignore lint/a11y/useSemanticElements: as above
          <span key={title} role="cell" class={`${kind} ${area}`}>
            {row === undefined ? <span class="quiet">…</span> : cell(row)}
          </span>
        ))}
      </div>
    ),
    [index, columns, row],
  );
}
