/** Short news, which go by themselves, and errors, which stay until they are read. */
import { signal } from '@preact/signals';

interface Message {
  readonly id: number;
  /** Absent for an error. */
  readonly text: string | undefined;
  readonly error: unknown;
}

const shownMs = 4000;
const mostMessages = 5;
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
  messages.value = [...messages.peek(), { ...message, id }].slice(-mostMessages);
  return id;
}
