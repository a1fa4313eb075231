/** Lets a finding pass the gate until a day, with a reason: for operators. */

import { useState } from 'preact/hooks';
import type { Finding, Waiver } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { serverNow } from '../../api/server-clock.ts';
import { Confirm } from '../../components/confirm.tsx';
import { DateField, SelectField, TextField } from '../../components/fields.tsx';
import { tell } from '../../components/messages.ts';

interface WaiveProps {
  readonly finding: Pick<Finding, 'id' | 'component' | 'places'>;
  /** Those that the content was judged for. */
  readonly namespaces: readonly string[];
  readonly onClose: () => void;
  readonly onMade: () => void;
}

export const waiversRoot = '/ward/v1/operator/waivers';
const everywhere = '';
const usualDays = 30;
const dayMs = 86_400_000;

export function Waive({ finding, namespaces, onClose, onMade }: WaiveProps) {
  const { id, component } = finding;
  const scopes = scopesOf(finding);
  const [scope, setScope] = useState(scopes[0]?.value ?? everywhere);
  const [namespace, setNamespace] = useState(namespaces[0] ?? everywhere);
  const [reason, setReason] = useState('');
  const [expires, setExpires] = useState(dayAfter(usualDays));
  const waive = async () => {
    const place = scope === everywhere ? {} : component === undefined ? { path: scope } : { purl: scope };
    const body = {
      finding: id,
      reason,
      expires,
      ...place,
      ...(namespace === everywhere ? {} : { namespace }),
    };
    await call<Waiver>('POST', waiversRoot, { body });
    tell(`Waived ${id} until ${expires}.`);
    onMade();
  };
  return (
    <Confirm title={`Waive ${id}`} action="Waive it" kind="primary" run={waive} onClose={onClose}>
      <p class="quiet">
        The gate lets it pass until the end of this day (UTC). The audit log keeps who, and why.
      </p>
      <TextField label="Reason: why it does no harm here" value={reason} onInput={setReason} />
      <DateField label="Last day" value={expires} min={dayAfter(0)} onInput={setExpires} />
      <SelectField
        label="In the namespace"
        value={namespace}
        onInput={setNamespace}
        options={[
          ...namespaces.map((each) => ({ value: each, text: each })),
          { value: everywhere, text: 'all namespaces' },
        ]}
      />
      <SelectField
        label="In"
        value={scope}
        onInput={setScope}
        options={[...scopes, { value: everywhere, text: 'everything that has this finding' }]}
      />
    </Confirm>
  );
}

/** The narrowest first. */
function scopesOf({ component, places: [first, ...more] }: WaiveProps['finding']) {
  if (component !== undefined) {
    const { name, version, purl } = component;
    const whole = purl.replace(/[?#].*$/, '').replace(/@[^/]*$/, '');
    const any = whole === purl ? [] : [{ value: whole, text: `any version of ${name}` }];
    return [{ value: purl, text: `${name} ${version}` }, ...any];
  }
  return first === undefined || more.length > 0 ? [] : [{ value: first.path, text: first.path }];
}

function dayAfter(days: number): string {
  return new Date(serverNow() + days * dayMs).toISOString().slice(0, 10);
}
