/** Where a namespace's logs go, as `PUT …/logForwarding` has it: `{"splunk_hec": {"host": …}}`. */
import { isJsonObject, type JsonObject } from '../lib/index.ts';
import { forwardingFault } from './faults.ts';
import type { Channel, Form } from './form.ts';
import { azureLogAnalytics } from './forms/azure-log-analytics.ts';
import { newRelic } from './forms/new-relic.ts';
import { otlp } from './forms/otlp.ts';
import { splunkHec } from './forms/splunk-hec.ts';
import { syslog } from './forms/syslog.ts';

/** Adobe's name for logs that stay with their activations. */
export const ownDestination = 'adobe_io_runtime';

const forms: ReadonlyMap<string, Form> = new Map([
  ['azure_log_analytics', azureLogAnalytics],
  ['new_relic', newRelic],
  ['otlp', otlp],
  ['splunk_hec', splunkHec],
  ['syslog', syslog],
]);

export interface Destination extends Channel {
  readonly name: string;
  /** What it was made of, with its secrets. */
  readonly given: JsonObject;
  /** The same without them. */
  readonly shown: JsonObject;
}

/** Undefined: the logs stay here. @throws Fault DESTINATION_INVALID, which quotes no setting */
export function parseDestination(given: unknown): Destination | undefined {
  const [entry, ...others] = isJsonObject(given) ? Object.entries(given) : [];
  const [name = '', settings] = entry ?? [];
  const form = forms.get(name);
  if (others.length > 0 || (form === undefined && name !== ownDestination)) {
    const names = [ownDestination, ...forms.keys()].join(', ');
    throw forwardingFault('DESTINATION_INVALID', `Exactly one destination expected: ${names}.`);
  }
  if (form === undefined) return undefined;
  const parsed = form.schema.safeParse(settings);
  if (!parsed.success || !isJsonObject(settings)) {
    const problems =
      parsed.error?.issues.map(({ path, message }) => `${path.join('.') || name}: ${message}`) ?? [];
    throw forwardingFault(
      'DESTINATION_INVALID',
      `The settings of ${name} are wrong: ${problems.join('; ')}.`,
    );
  }
  const shown = Object.fromEntries(Object.entries(settings).filter(([key]) => !form.secrets.includes(key)));
  return { ...form.open(settings), name, given: { [name]: settings }, shown: { [name]: shown } };
}
