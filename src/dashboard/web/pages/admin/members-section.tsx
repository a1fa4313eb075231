/** Who has logged in to a namespace, and the way to end their logins. */

import { useState } from 'preact/hooks';
import type { Member } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { tell } from '../../components/messages.ts';
import { Section } from '../../components/section.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Time } from '../../components/time.tsx';
import { countText } from '../../components/units.ts';

interface MembersSectionProps {
  readonly root: string;
  readonly members: readonly Member[];
  readonly onChanged: () => void;
}

export function MembersSection({ root, members, onChanged }: MembersSectionProps) {
  const [leaving, setLeaving] = useState<Member>();
  const columns: readonly Column<Member>[] = [
    { title: 'Member', cell: ({ name }) => <span class="breaks">{name}</span> },
    { title: 'Role', cell: ({ role }) => <span class="bounded">{role}</span> },
    { title: 'Last login', cell: ({ lastLoginAt }) => <Time at={lastLoginAt} /> },
    { title: 'First login', cell: ({ firstLoginAt }) => <Time at={firstLoginAt} /> },
    { title: 'Keys of logins', cell: ({ keys }) => countText(keys), isNumber: true },
    {
      title: 'Do',
      cell: (member) =>
        member.keys > 0 && (
          <Button kind="danger" label={`Log out ${member.name}`} onClick={() => setLeaving(member)}>
            Log out…
          </Button>
        ),
    },
  ];
  return (
    <Section title="Members">
      {members.length === 0 ? (
        <p class="quiet">Nobody has logged in to this namespace at an issuer.</p>
      ) : (
        <Table caption="Members" columns={columns} rows={members} keyOf={({ id }) => id} />
      )}
      {leaving !== undefined && (
        <Confirm
          title="End these logins?"
          action="End the logins"
          onClose={() => setLeaving(undefined)}
          run={async () => {
            await call('DELETE', `${root}/members/${encodeURIComponent(leaving.id)}/logins`);
            tell(`Logged ${leaving.name} out.`);
            onChanged();
          }}
        >
          <p class="breaks">
            <code>{leaving.name}</code> has to log in at the issuer again. Keys that this member has made
            stay.
          </p>
        </Confirm>
      )}
    </Section>
  );
}
