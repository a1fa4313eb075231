/** The rules of a trigger, and what they call. Enables and disables them. */
import { call, inNamespace } from '../../api/client.ts';
import type { Trigger } from '../../api/trigger-types.ts';
import { linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { Empty } from '../../components/empty.tsx';
import { Section } from '../../components/section.tsx';
import { Status } from '../../components/status.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useAction } from '../../components/use-action.ts';

interface RuleRow {
  readonly name: string;
  readonly action: string;
  readonly isActive: boolean;
}

interface RulesSectionProps {
  readonly trigger: Trigger;
  readonly onChanged: () => void;
}

export function RulesSection({ trigger, onChanged }: RulesSectionProps) {
  const { isBusy, run } = useAction();
  const rows = Object.entries(trigger.rules).map(([fullName, { action, status }]) => ({
    name: fullName.slice(fullName.indexOf('/') + 1),
    action: `/${action.path}/${action.name}`,
    isActive: status === 'active',
  }));
  const columns: readonly Column<RuleRow>[] = [
    { title: 'Rule', cell: ({ name }) => <span class="breaks">{name}</span> },
    { title: 'Calls', cell: ({ action }) => <code class="breaks">{action}</code> },
    {
      title: 'State',
      cell: ({ isActive }) =>
        isActive ? <Status tone="good" text="active" /> : <Status tone="idle" text="inactive" />,
    },
    {
      title: 'Dead letters',
      cell: ({ name }) => <a href={linkTo(['dead-letters'], { rule: name })}>look</a>,
    },
    ...(may('deploy') ? [{ title: 'Change', cell: (row: RuleRow) => <Switch row={row} /> }] : []),
  ];
  function Switch({ row: { name, isActive } }: { readonly row: RuleRow }) {
    const status = isActive ? 'inactive' : 'active';
    return (
      <Button
        isDisabled={isBusy}
        label={isActive ? `Disable ${name}` : `Enable ${name}`}
        onClick={() =>
          run(async () => {
            await call('POST', inNamespace('/api/v1', 'rules', name), { body: { status } });
            onChanged();
          }, `${name} is ${status}.`)
        }
      >
        {isActive ? 'Disable' : 'Enable'}
      </Button>
    );
  }
  return (
    <Section title="Rules">
      {rows.length === 0 ? (
        <Empty title="It calls nothing" command={`ward rule create RULE ${trigger.name} FUNCTION`}>
          A rule names the function that the trigger calls.
        </Empty>
      ) : (
        <Table caption="Rules" columns={columns} rows={rows} keyOf={({ name }) => name} />
      )}
    </Section>
  );
}
