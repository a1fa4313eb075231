/** A name server on loopback, for tests: TXT records that the test sets and failures. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { AUTHORITATIVE_ANSWER, decode, encode } from 'dns-packet';

export interface DnsServer extends AsyncDisposable {
  /** As the setting `domains.resolvers` takes it. */
  readonly address: string;
  /** Texts by name; `failing` for SERVFAIL. */
  readonly records: Map<string, readonly string[] | 'failing'>;
}

const serverFailure = 2;
const noSuchName = 3;

export async function startDnsServer(): Promise<DnsServer> {
  const records: DnsServer['records'] = new Map();
  const socket = createSocket('udp4');
  socket.on('message', (message, { port, address }) => {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    const found = records.get(question?.name ?? '');
    if (question === undefined) return;
    const answers =
      typeof found === 'object' && question.type === 'TXT'
        ? found.map((text) => ({ type: 'TXT' as const, name: question.name, ttl: 0, data: piecesOf(text) }))
        : [];
    const code = found === 'failing' ? serverFailure : found === undefined ? noSuchName : 0;
    const flags = AUTHORITATIVE_ANSWER + code;
    const answer = { ...(id !== undefined && { id }), type: 'response' as const, flags, questions, answers };
    socket.send(encode(answer), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}

/** A record has its text in pieces, which may be short. */
function piecesOf(text: string): string[] {
  return text.match(/.{1,20}/g) ?? [''];
}
