/** How activations are shown. */
import type { JsonObject } from '../../lib/index.ts';
import { annotationOf, durationText, objectOf, textOf, timeText } from '../entity-fields.ts';
import type { Column } from '../table.ts';

export const statusTexts = [
  'success',
  'application error',
  'action developer error',
  'whisk internal error',
] as const;

export const activationColumns: readonly Column<JsonObject>[] = [
  { title: 'start', cell: (activation) => timeText(activation['start']) },
  { title: 'activation', cell: (activation) => textOf(activation['activationId']) },
  { title: 'status', cell: (activation) => statusOf(activation) },
  { title: 'duration', cell: (activation) => durationText(activation['duration']), align: 'right' },
  { title: 'began', cell: (activation) => (isColdStart(activation) ? 'cold' : 'warm') },
  { title: 'action', cell: (activation) => actionOf(activation) },
  { title: 'kind', cell: (activation) => textOf(annotationOf(activation, 'kind')), isWide: true },
  { title: 'version', cell: (activation) => textOf(activation['version']), isWide: true },
  {
    title: 'wait',
    cell: (activation) => durationText(annotationOf(activation, 'waitTime')),
    align: 'right',
    isWide: true,
  },
  {
    title: 'init',
    cell: (activation) => durationText(annotationOf(activation, 'initTime')),
    align: 'right',
    isWide: true,
  },
];

export function activationFields(activation: JsonObject): (readonly [string, string])[] {
  return [
    ['activation', textOf(activation['activationId'])],
    ['action', actionOf(activation)],
    ['version', textOf(activation['version'])],
    ['kind', textOf(annotationOf(activation, 'kind'))],
    ['namespace', textOf(activation['namespace'])],
    ['status', statusOf(activation)],
    ['start', timeText(activation['start'])],
    ['duration', durationText(activation['duration'])],
    ['wait', durationText(annotationOf(activation, 'waitTime'))],
    ['init', durationText(annotationOf(activation, 'initTime'))],
    ['result', JSON.stringify(objectOf(activation['response'])['result'] ?? null)],
    ['log lines', String(logLinesOf(activation).length)],
  ];
}

/** A record says its status in words, a list's summary by number. */
export function statusOf(activation: JsonObject): string {
  const words = textOf(objectOf(activation['response'])['status']);
  return words || (statusTexts[Number(textOf(activation['statusCode']) || Number.NaN)] ?? '');
}

export function actionOf(activation: JsonObject): string {
  const [, ...path] = textOf(annotationOf(activation, 'path')).split('/');
  return path.join('/') || textOf(activation['name']);
}

export function logLinesOf(record: JsonObject): string[] {
  const logs = record['logs'];
  return Array.isArray(logs) ? logs.filter((line) => typeof line === 'string') : [];
}

/** `2026-01-01T10:00:00.123456789Z  stdout: hello` → `hello`. */
export function stripLogLine(line: string): string {
  return line.replace(/^\d{4}-\S+\s+std(?:out|err): ?/, '');
}

function isColdStart(activation: JsonObject): boolean {
  return annotationOf(activation, 'initTime') !== undefined;
}
