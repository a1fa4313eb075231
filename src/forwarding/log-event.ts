/** One line of a log, with what a reader elsewhere needs to find its activation. */
export interface LogEvent {
  /** The namespace that called the action, and owns the record. */
  readonly namespace: string;
  /** `[pkg/]name`, as it was invoked. */
  readonly action: string;
  readonly activationId: string;
  /** 32 hexadecimal digits, if it was traced. */
  readonly traceId?: string;
  /** Epoch microseconds. */
  readonly micros: number;
  readonly stream: 'stdout' | 'stderr';
  readonly message: string;
}

/** An activation whose lines are to be sent. */
export type LogSource = Pick<LogEvent, 'namespace' | 'action' | 'activationId' | 'traceId'>;

const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})\d*Z (stdout|stderr): ?/;

/**
 * Reads a line of a record.
 * @param otherwise epoch milliseconds, for a line of Ward's own that has no time
 */
export function logEventOf(source: LogSource, line: string, otherwise: number): LogEvent {
  const [head, second, fraction, stream] = form.exec(line) ?? [];
  if (head === undefined) return { ...source, micros: otherwise * 1000, stream: 'stdout', message: line };
  return {
    ...source,
    micros: Date.parse(`${second}Z`) * 1000 + Number(fraction),
    stream: stream === 'stderr' ? 'stderr' : 'stdout',
    message: line.slice(head.length),
  };
}

/** The attributes of an event under the names that every destination gets. */
export function attributesOf(event: LogEvent): Readonly<Record<string, string>> {
  const { namespace, action, activationId, stream, traceId } = event;
  return { namespace, action, activationId, stream, ...(traceId === undefined ? {} : { traceId }) };
}
