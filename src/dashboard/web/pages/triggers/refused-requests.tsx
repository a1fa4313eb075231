/** The last requests that a webhook refused, and why. */
import type { Refusals } from '../../../../answers/index.ts';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';

type Refusal = Refusals['last'][number];

const columns: readonly Column<Refusal>[] = [
  { title: 'Refused', cell: ({ at }) => <Time at={at} /> },
  { title: 'From', cell: ({ address }) => <span class="mono breaks">{address}</span> },
  { title: 'Why', cell: ({ status }) => reasonOf(status) },
];

export function RefusedRequests({ refused: { count, last } }: { readonly refused: Refusals }) {
  return (
    <>
      <p>
        It refused {countText(count)} {count === 1 ? 'request' : 'requests'} of clients that know its URL.
      </p>
      <Table
        caption="Refused requests"
        columns={columns}
        rows={last}
        keyOf={(refusal) => `${last.indexOf(refusal)}`}
      />
    </>
  );
}

const reasons: Readonly<Record<number, string>> = {
  400: 'the body does not match its type',
  401: 'the signature is missing, wrong or too old',
  404: 'the trigger is gone',
  409: 'the webhook was paused',
  413: 'the body is too large',
  415: 'neither JSON nor a form nor text',
  429: 'too many requests',
};

function reasonOf(status: number): string {
  return `${status}, ${reasons[status] ?? 'the server could not take it'}`;
}
