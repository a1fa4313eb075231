/** Short news, which go by themselves, and errors, which stay until they are read. */
import { signal } from '@preact/signals';

interface Message {
  readonly id: number;
  /** Absent for an error. */
  readonly text: string | undefined;
  readonly error: unknown;
}

const shownMs = 4000;
const mostNews = 5;
let lastId = 0;

export const messages = signal<readonly Message[]>([]);

/** Says that something was done. */
export function tell(text: string): void {
  const id = add({ text, error: undefined });
  setTimeout(() => dismiss(id), shownMs);
}

/** Shows an error until the reader dismisses it. */
export function report(error: unknown): void {
  add({ text: undefined, error });
}

export function dismiss(id: number): void {
  messages.value = messages.peek().filter((message) => message.id !== id);
}

function add(message: Omit<Message, 'id'>): number {
  const id = ++lastId;
  const all = [...messages.peek(), { ...message, id }];
  const news = all.filter(isNews);
  const tooOld = news.slice(0, Math.max(0, news.length - mostNews));
  messages.value = all.filter((each) => !tooOld.includes(each));
  return id;
}

function isNews({ text }: Message): boolean {
  return text !== undefined;
}
