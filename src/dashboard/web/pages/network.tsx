/** What a run reached over the network: its connections, and the bytes of all of them. */
import { annotationOf, type RunSummary } from '../api/runs.ts';
import { Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { sizeText } from '../components/units.ts';
import { Target, targetText } from './egress/target.tsx';

export interface Connection {
  readonly target: string;
  /** Where the name led to; the same as the target if there was no name. */
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export function Network({ run }: { readonly run: RunSummary }) {
  const connections = connectionsOf(run);
  const [sent, received] = [bytesOf(run, 'sentBytes'), bytesOf(run, 'receivedBytes')];
  if (connections.length === 0 && sent + received === 0) return null;
  return (
    <section class="stack" aria-label="Network">
      <h2>Network</h2>
      <p class="quiet">
        Sent {sizeText(sent)} and received {sizeText(received)} in all. Ward knows the bytes of a run, not
        those of one connection.
      </p>
      {connections.length > 0 && (
        <Table
          caption="Connections"
          columns={[
            { title: 'Reached', cell: (connection) => <Target {...connection} /> },
            { title: 'At', cell: ({ address }) => <code class="breaks">{address}</code> },
            { title: 'When', cell: ({ at }) => <Time at={at} /> },
          ]}
          rows={connections}
          keyOf={(connection) => `${connections.indexOf(connection)} ${targetText(connection)}`}
        />
      )}
    </section>
  );
}

/** From the annotation `traffic`, which has the first of them. */
export function connectionsOf(run: RunSummary): readonly Connection[] {
  const given = fieldOf(annotationOf(run, 'traffic'), 'connections');
  return Array.isArray(given) ? given.map(parse) : [];
}

function bytesOf(run: RunSummary, name: 'sentBytes' | 'receivedBytes'): number {
  const value = fieldOf(annotationOf(run, 'traffic'), name);
  return typeof value === 'number' ? value : 0;
}

function parse(value: unknown): Connection {
  const text = (name: string) => String(fieldOf(value, name) ?? '');
  const address = text('address');
  return {
    ...{ target: text('name') || address, address, protocol: text('protocol') },
    ...{ port: Number(fieldOf(value, 'port') ?? 0), at: Number(fieldOf(value, 'at')) },
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
