/**
 * Server-sent events, as far as Ward's streams use them (WHATWG HTML, 9.2): `event`, `id` and `data` fields, and
 * comments as keep-alives. An event is bounded; any other input is a Fault.
 */
import { cliFault } from './faults.ts';

export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** Absent: the event has none. */
  readonly id?: string;
}

/** Far larger than a record without its logs, or a log line. */
const maxEventChars = 16 * 1024 * 1024;

/** @throws Fault SERVER_NOT_WARD when an event is larger than any that Ward sends */
export async function* streamEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<StreamEvent> {
  let type = '';
  let id: string | undefined;
  let data: string[] = [];
  let size = 0;
  for await (const line of linesOf(chunks)) {
    if (line === '') {
      if (data.length > 0)
        yield { type: type || 'message', data: data.join('\n'), ...(id !== undefined && { id }) };
      [type, id, data, size] = ['', undefined, [], 0];
      continue;
    }
    size += line.length;
    if (size > maxEventChars) throw tooLarge();
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') type = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > maxEventChars) throw tooLarge();
    yield* lines;
  }
}

function tooLarge() {
  return cliFault('SERVER_NOT_WARD', `an event of the stream is larger than ${maxEventChars} characters`);
}
