/**
 * DNS messages (RFC 1035, RFC 6891) as far as a sandbox needs them: one question for addresses in, one answer out.
 * Every message received is hostile. Answers are always built here and never passed on.
 */
import { type Answer, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED } from 'dns-packet';
import { parseHostName } from '../names.ts';

/** Ignores longer messages. */
export const maxQuestionBytes = 4096;

export interface Question {
  readonly id: number;
  /** Spelled as in the question: clients compare it. */
  readonly asked: string;
  /** Parsed; undefined when it is not a host name. */
  readonly name: string | undefined;
  readonly type: string;
  readonly isRecursionDesired: boolean;
  /** Largest datagram that the client accepts, in bytes. */
  readonly maxBytes: number;
  readonly hasOptions: boolean;
}

export type ResponseCode = 'NOERROR' | 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED';

export interface AddressRecord {
  readonly type: 'A' | 'AAAA';
  readonly address: string;
  readonly ttlSeconds: number;
}

const codes: Readonly<Record<ResponseCode, number>> = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
};
const plainBytes = 512;
/** Largest datagram that passes every network unfragmented (DNS flag day 2020). */
const mostBytes = 1232;
const truncated = 1 << 9;

/** Returns the question, an error to send back, or undefined for a message that gets no answer. */
export function parseQuestion(message: Buffer): Question | Buffer | undefined {
  // Answering an answer could start an endless loop between two programs.
  if (message.length < 12 || (message.readUInt8(2) & 0x80) !== 0) return undefined;
  if (((message.readUInt8(2) >> 3) & 15) !== 0) return failure(message, 'NOTIMP');
  const counts = [4, 6, 8].map((at) => message.readUInt16BE(at));
  const isPlain = counts[0] === 1 && counts[1] === 0 && counts[2] === 0;
  if (!isPlain || message.readUInt16BE(10) > 4 || message.length > maxQuestionBytes) {
    return failure(message, 'FORMERR');
  }
  try {
    return questionOf(message);
  } catch {
    return failure(message, 'FORMERR');
  }
}

/** Leaves the records out when they are too many for a datagram: the client asks again over TCP. */
export function encodeAnswer(
  question: Question,
  code: ResponseCode,
  records: readonly AddressRecord[],
  transport: 'udp' | 'tcp',
): Buffer {
  const answer = (answers: Answer[], flags: number) =>
    encode({
      type: 'response',
      id: question.id,
      flags:
        flags | RECURSION_AVAILABLE | (question.isRecursionDesired ? RECURSION_DESIRED : 0) | codes[code],
      questions: [{ type: question.type as 'A', name: question.asked, class: 'IN' }],
      answers,
      ...(question.hasOptions
        ? {
            additionals: [
              {
                type: 'OPT' as const,
                name: '.',
                udpPayloadSize: mostBytes,
                flags: 0,
                options: [],
                extendedRcode: 0,
                ednsVersion: 0,
                flag_do: false,
              },
            ],
          }
        : {}),
    });
  const whole = answer(
    records.map(({ type, address, ttlSeconds }) => ({
      type,
      name: question.asked,
      class: 'IN',
      ttl: ttlSeconds,
      data: address,
    })),
    0,
  );
  const isTooLong = transport === 'udp' && whole.length > question.maxBytes;
  return isTooLong ? answer([], truncated) : whole;
}

function questionOf(message: Buffer): Question {
  const { id = 0, questions = [], additionals = [] } = decode(message);
  const [question] = questions;
  if (question === undefined || (question.class ?? 'IN') !== 'IN')
    throw new TypeError('not a question of class IN');
  const options = additionals.find(({ type }) => type === 'OPT');
  const offered = options !== undefined && 'udpPayloadSize' in options ? options.udpPayloadSize : plainBytes;
  return {
    id,
    asked: question.name,
    name: parseHostName(question.name),
    type: question.type,
    isRecursionDesired: (message.readUInt8(2) & 1) !== 0,
    maxBytes: Math.min(mostBytes, Math.max(plainBytes, offered)),
    hasOptions: options !== undefined,
  };
}

/** The header alone, because the rest could not be read. */
function failure(message: Buffer, code: ResponseCode): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt16BE(message.readUInt16BE(0), 0);
  header.writeUInt16BE(0x8080 | (message.readUInt16BE(2) & 0x7900) | codes[code], 2);
  return header;
}
