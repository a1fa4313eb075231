/** The limits of a namespace that an operator changes here. An empty field means the usual value. */

import { useState } from 'preact/hooks';
import type { Limits, Retention } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { Button } from '../../components/button.tsx';
import { TextField } from '../../components/fields.tsx';
import { Section } from '../../components/section.tsx';
import { useAction } from '../../components/use-action.ts';

const mebibyte = 1024 * 1024;

const shown: readonly { readonly field: string; readonly label: string; readonly unit?: number }[] = [
  { field: 'invocationsPerMinute', label: 'Calls a minute' },
  { field: 'concurrentInvocations', label: 'Calls at once' },
  { field: 'firesPerMinute', label: 'Firings a minute' },
  { field: 'codeQuotaBytes', label: 'Code, MiB', unit: mebibyte },
  { field: 'recordQuotaBytes', label: 'Records, MiB', unit: mebibyte },
  { field: 'registryQuotaBytes', label: 'Images, MiB', unit: mebibyte },
  { field: 'retentionMaxAgeDays', label: 'Keep records, days' },
  { field: 'retentionMaxRecords', label: 'Keep records, number' },
];

interface LimitsSectionProps {
  readonly root: string;
  readonly limits: Limits;
  readonly own: Limits;
  /** The usual one. */
  readonly retention: Retention;
  readonly onChanged: () => void;
}

export function LimitsSection({ root, limits, own, retention, onChanged }: LimitsSectionProps) {
  const records = retention.kept.find(({ what }) => what === 'records');
  const usual: Limits = {
    ...limits,
    ...{ retentionMaxAgeDays: records?.days, retentionMaxRecords: records?.most },
  };
  const before = Object.fromEntries(shown.map(({ field, unit }) => [field, textOf(own[field], unit)]));
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(before);
  const { isBusy, run } = useAction();
  const changed = shown.filter(({ field }) => texts[field] !== before[field]);
  const save = async () => {
    const body = Object.fromEntries(
      changed.map(({ field, label, unit }) => [field, limitOf(label, texts[field], unit)]),
    );
    await call('PUT', `${root}/limits`, { body });
    onChanged();
  };
  return (
    <Section title="Limits">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          run(save, 'Changed the limits.');
        }}
      >
        <div class="field-grid">
          {shown.map(({ field, label, unit }) => (
            <TextField
              key={field}
              label={label}
              placeholder={textOf(usual[field], unit) || 'no limit'}
              value={texts[field] ?? ''}
              onInput={(text) => setTexts({ ...texts, [field]: text })}
            />
          ))}
        </div>
        <div class="row">
          <Button kind="primary" type="submit" isDisabled={isBusy || changed.length === 0}>
            Save the limits
          </Button>
          <span class="quiet">
            An empty field means the usual value. Others: <code>ward namespace limits</code>
          </span>
        </div>
      </form>
    </Section>
  );
}

function textOf(value: unknown, unit = 1): string {
  return typeof value === 'number' ? String(Math.round((value / unit) * 100) / 100) : '';
}

/** Null: the usual value. @throws Error that names the field */
function limitOf(label: string, text = '', unit = 1): number | null {
  if (text.trim() === '') return null;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new Error(`${label}: ‘${text}’ is not a number.`);
  return unit === 1 ? value : Math.round(value * unit);
}
