/** Descriptions in the alarms' annotations, for clients that show them. */
import type { AlarmKind } from './alarm-config.ts';
import type { FeedDescription, FeedParameter } from './lifecycle.ts';

interface AlarmDescription extends FeedDescription {
  readonly kind: AlarmKind;
}

const optional = (name: string, description: string): FeedParameter => ({
  name,
  required: false,
  description,
});
const required = (name: string, description: string): FeedParameter => ({
  name,
  required: true,
  description,
});

const payload = optional('trigger_payload', 'What the trigger is fired with: an object, or JSON text of one');
const startDate = optional('startDate', 'First date allowed: epoch milliseconds or ISO 8601');
const stopDate = optional('stopDate', 'Last date allowed: epoch milliseconds or ISO 8601');
const maxTriggers = optional('maxTriggers', 'Maximum number of firings');

export const alarmDescriptions: readonly AlarmDescription[] = [
  {
    kind: 'alarm',
    path: 'alarms/alarm',
    description: 'Fire trigger when alarm occurs',
    parameters: [
      required('cron', 'Five fields, or six with seconds first'),
      optional('timezone', 'An IANA time zone; UTC if absent'),
      payload,
      startDate,
      stopDate,
      optional('strict', 'false: may fire some seconds after the minute, to spread the load'),
      maxTriggers,
    ],
  },
  {
    kind: 'interval',
    path: 'alarms/interval',
    description: 'Fire trigger at specified interval',
    parameters: [required('minutes', 'Length of the interval'), payload, startDate, stopDate, maxTriggers],
  },
  {
    kind: 'once',
    path: 'alarms/once',
    description: 'Fire trigger once when alarm occurs',
    parameters: [
      required('date', 'Epoch milliseconds or ISO 8601'),
      payload,
      optional('deleteAfterFire', 'false, true (the trigger), or rules (the trigger and its rules)'),
    ],
  },
];
