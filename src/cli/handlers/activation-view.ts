/** Tables and records of activations. */
import type { JsonObject, JsonValue } from '../../lib/index.ts';
import {
  annotationOf,
  durationText,
  isPending,
  logLinesOf,
  objectOf,
  textOf,
  timeText,
} from '../entity-fields.ts';
import type { Column } from '../table.ts';

const statusTexts = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
] as const;

export const activationColumns: readonly Column<JsonObject>[] = [
  { title: 'start', cell: (activation) => timeText(activation['start']) },
  { title: 'activation', cell: (activation) => textOf(activation['activationId']), isWhole: true },
  { title: 'status', cell: (activation) => statusOf(activation) },
  { title: 'duration', cell: (activation) => durationText(activation['duration']), align: 'right' },
  { title: 'began', cell: (activation) => beganOf(activation) },
  { title: 'action', cell: (activation) => actionOf(activation) },
  { title: 'kind', cell: (activation) => textOf(annotationOf(activation, 'kind')), isWide: true },
  { title: 'version', cell: (activation) => textOf(activation['version']), isWide: true },
  ...(['wait', 'sandbox', 'init'] as const).map((part) => ({
    title: part,
    cell: (activation: JsonObject) => durationText(annotationOf(activation, `${part}Time`)),
    align: 'right' as const,
    isWide: true,
  })),
];

export function activationFields(activation: JsonObject): (readonly [string, string])[] {
  const fields: (readonly [string, string])[] = [
    ['activation', textOf(activation['activationId'])],
    ['action', actionOf(activation)],
    ['version', textOf(activation['version'])],
    ['kind', textOf(annotationOf(activation, 'kind'))],
    ['namespace', textOf(activation['namespace'])],
    ['status', statusOf(activation)],
    ['start', timeText(activation['start'])],
    ['duration', durationText(activation['duration'])],
    ['began', withReason(beganOf(activation), annotationOf(activation, 'startReason'))],
    [
      'wait',
      withReason(durationText(annotationOf(activation, 'waitTime')), annotationOf(activation, 'waitReason')),
    ],
    ['sandbox', durationText(annotationOf(activation, 'sandboxTime'))],
    ['init', durationText(annotationOf(activation, 'initTime'))],
    ['cause', textOf(activation['cause'])],
    ['trace', textOf(annotationOf(activation, 'traceId'))],
    ['hint', textOf(annotationOf(activation, 'hint'))],
    [
      'result',
      isPending(activation) ? '' : JSON.stringify(objectOf(activation['response'])['result'] ?? null),
    ],
    ['log lines', String(logLinesOf(activation).length)],
    ['partial log', textOf(annotationOf(activation, 'partialLog'))],
  ];
  return fields.filter(([, value]) => value !== '');
}

function withReason(text: string, reason: JsonValue | undefined): string {
  return [text, textOf(reason)].filter(Boolean).join(': ');
}

/** Why the log may lack lines; undefined if it has all, as far as is known. */
export function partialNoteOf(activation: JsonObject): string | undefined {
  const partial = textOf(annotationOf(activation, 'partialLog'));
  return partial === '' ? undefined : `note: ${partialTexts.get(partial) ?? 'the log may lack lines'}`;
}

const partialTexts: ReadonlyMap<string, string> = new Map([
  ['cut', 'the log reached its limit; a line at its end says how much was left out'],
  ['incomplete', 'the log did not end as it should, so its last lines may be missing'],
  ['lost', 'the log is lost: the node or the server that had it ended before it was kept'],
]);

/** A record has its status in words, the summary in a list as a number, and a trigger's has none: it can't fail. */
export function statusOf(activation: JsonObject): string {
  const words = textOf(objectOf(activation['response'])['status']);
  if (words !== '') return words;
  return isPending(activation) ? 'pending' : (statusTexts[Number(activation['statusCode'] ?? 0)] ?? '');
}

export function actionOf(activation: JsonObject): string {
  const [, ...path] = textOf(annotationOf(activation, 'path')).split('/');
  return path.join('/') || textOf(activation['name']);
}

/** `cold`, `prewarmed` or `warm`; empty for what runs without a sandbox of its own. */
function beganOf(activation: JsonObject): string {
  const said = textOf(annotationOf(activation, 'start'));
  const kind = annotationOf(activation, 'kind');
  if (said !== '' || kind === undefined || kind === 'sequence' || isPending(activation)) return said;
  return annotationOf(activation, 'initTime') === undefined ? 'warm' : 'cold';
}
