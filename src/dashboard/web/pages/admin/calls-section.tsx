/** How the calls of a namespace go now, slot by slot: what its figures on the overview are made of. */
import type { CallFigures, NamespaceCalls } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { Figures } from '../../components/figures.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText, durationText, shareText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { WindowField, windowHere } from '../window-field.tsx';

interface Slot {
  /** Epoch milliseconds of its begin. */
  readonly at: number;
  readonly calls: number;
  readonly failed: number;
}

const columns: readonly Column<Slot>[] = [
  { title: 'From', cell: ({ at }) => <Time at={at} /> },
  { title: 'Calls', cell: ({ calls }) => countText(calls), isNumber: true },
  { title: 'Failed', cell: ({ failed }) => countText(failed), isNumber: true },
];

export function CallsSection({ name }: { readonly name: string }) {
  const search = new URLSearchParams({ window: windowHere(), namespace: name });
  const path = `/ward/v1/operator/calls?${search}`;
  const loaded = useLoad((signal) => call<CallFigures>('GET', path, { signal }), path);
  return (
    <Section title="Calls" actions={<WindowField />}>
      <LoadView loaded={loaded}>
        {({ namespaces: [calls], since, slotMs }) =>
          calls === undefined ? (
            <p class="quiet">It had no calls.</p>
          ) : (
            <>
              <Figures figures={figuresOf(calls)} />
              <Table
                caption="Calls over time"
                columns={columns}
                rows={calls.slots
                  .map((slot, index) => ({ ...slot, at: since + index * slotMs }))
                  .filter((slot) => slot.calls > 0)}
                keyOf={({ at }) => String(at)}
              />
            </>
          )
        }
      </LoadView>
    </Section>
  );
}

function figuresOf({ calls, failed, coldStarts, callsPerSecond, p50Ms, p99Ms }: NamespaceCalls) {
  return [
    { name: 'Calls', value: countText(calls), about: `${callsPerSecond.toFixed(2)} a second` },
    { name: 'Failed', value: countText(failed), about: shareText(failed, calls) },
    { name: 'Cold starts', value: countText(coldStarts), about: shareText(coldStarts, calls) },
    { name: 'Duration, p50', value: durationText(p50Ms) },
    { name: 'Duration, p99', value: durationText(p99Ms) },
  ];
}
