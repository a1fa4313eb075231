/** What `-v` and `-d` print of requests and answers. Never contains the key, in any part. */
import type { IncomingHttpHeaders } from 'node:http';

export interface Tracer {
  request(
    method: string,
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: string | undefined,
  ): void;
  answer(status: number, headers: IncomingHttpHeaders, body: string): void;
}

/** Characters of a body that the trace shows. */
const maxShown = 2000;

/** @param key `uuid:secret` */
export function createTracer(write: (line: string) => void, key: string | undefined): Tracer {
  const secret = key?.slice(key.indexOf(':') + 1) ?? '';
  const encoded = Buffer.from(key ?? '').toString('base64');
  const redact = (text: string) =>
    [secret, encoded].reduce(
      (rest, each) => (each === '' ? rest : rest.replaceAll(each, '[redacted]')),
      text,
    );
  const body = (text: string) => (text.length > maxShown ? `${text.slice(0, maxShown)}…` : text);
  const headerLines = (mark: string, headers: object) => {
    for (const [name, value] of Object.entries(headers))
      write(
        `${mark} ${name}: ${/^(?:authorization|set-cookie)$/i.test(name) ? '[redacted]' : redact(String(value))}`,
      );
  };
  return {
    request(method, url, headers, text) {
      write(redact(`> ${method} ${url.href}`));
      headerLines('>', headers);
      if (text !== undefined) write(`> ${body(redact(text))}`);
    },
    answer(status, headers, text) {
      write(`< ${status}`);
      headerLines('<', headers);
      write(`< ${body(redact(text))}`);
    },
  };
}
