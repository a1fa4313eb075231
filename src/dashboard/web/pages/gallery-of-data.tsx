/** The part of the gallery with what shows data: charts, meters, facts, code, what is on its way, and long lists. */
import { Bars } from '../components/bars.tsx';
import { CodeEditor } from '../components/code-editor.tsx';
import { Identifier } from '../components/copy.tsx';
import { Facts } from '../components/facts.tsx';
import { LoadView } from '../components/load-view.tsx';
import { Meter } from '../components/meter.tsx';
import { Section } from '../components/section.tsx';
import { Status } from '../components/status.tsx';
import { Time } from '../components/time.tsx';
import { countText, durationText } from '../components/units.ts';
import { type VirtualColumn, VirtualRows } from '../components/virtual-rows.tsx';

const mebibyte = 1024 * 1024;
const bars = [3, 8, 0, 12, 5, 20, 9, 1].map((value, hour) => ({
  ...{ name: String(hour), value, part: hour === 5 ? 6 : 0 },
  text: `${hour} o’clock: ${value} calls`,
}));

interface Example {
  readonly id: string;
  readonly name: string;
  readonly ms: number;
}

const examples: readonly Example[] = Array.from({ length: 5 }, (_, at) => ({
  id: String(at).repeat(32),
  name: `hello-${at}`,
  ms: 10 ** at,
}));

/** In the order that the layout `runs` has widths for. */
const columns: readonly VirtualColumn<Example>[] = [
  { title: 'Outcome', cell: () => <Status tone="good" text="success" /> },
  { title: 'Function', cell: ({ name }) => name },
  { title: 'Run', cell: ({ id }) => <Identifier text={id} what="id of the run" />, kind: 'wide' },
  { title: 'Sandbox', cell: () => 'warm', kind: 'wide' },
  { title: 'Waited', cell: () => durationText(1), kind: 'wide number' },
  { title: 'Duration', cell: ({ ms }) => durationText(ms), kind: 'number' },
  { title: 'Started', cell: () => <Time at={Date.UTC(2024, 1, 29, 12)} /> },
];

interface GalleryOfDataProps {
  readonly code: string;
  readonly onCode: (code: string) => void;
  /** Of what could not be loaded. */
  readonly failure: Error;
}

export function GalleryOfData({ code, onCode, failure }: GalleryOfDataProps) {
  const reload = () => {};
  return (
    <>
      <h2>Bars and meters</h2>
      <div class="row">
        <Bars label="Calls an hour" bars={bars} />
        {[0.3, 0.9, 1].map((share) => (
          <Meter key={share} used={share * 256 * mebibyte} limit={256 * mebibyte} />
        ))}
      </div>
      <h2>Facts</h2>
      <Facts
        facts={[
          ['Kind', 'nodejs:24'],
          ['Calls at once', countText(1)],
        ]}
      />
      <Facts
        isAcross
        facts={[
          ['Memory', '256 MiB'],
          ['Time limit', durationText(60_000)],
        ]}
      />
      <h2>Code</h2>
      <CodeEditor label="Example" code={code} kind="nodejs:24" onInput={onCode} />
      <Section title="A section, with what is on its way" actions={<Status tone="busy" text="running" />}>
        <LoadView loaded={{ data: 'It is here.', error: undefined, isLoading: false, reload }}>
          {(text) => <p>{text}</p>}
        </LoadView>
        <LoadView loaded={{ data: undefined, error: undefined, isLoading: true, reload }}>
          {() => null}
        </LoadView>
        <LoadView loaded={{ data: undefined, error: failure, isLoading: false, reload }}>
          {() => null}
        </LoadView>
      </Section>
      <h2>A long list</h2>
      <VirtualRows
        {...{ caption: 'Long list', layout: 'runs', columns, count: examples.length }}
        rowAt={(index) => examples[index]}
        keyOf={({ id }) => id}
        onVisible={() => {}}
      />
    </>
  );
}
