/**
 * Limits the memory for bodies of anonymous requests and of their answers. A body counts until its request, or its answer, has
 * ended. A request's body counts with its announced length, or with the longest allowed one. One client gets only a share.
 */
import type { Fault } from '../../lib/index.ts';
import { apiFault } from '../faults.ts';
import type { Held } from './owner-share.ts';

/** Smaller bodies do not count. */
const smallBytes = 16 * 1024;
/** Share of the budget for one client. */
const clientShare = 0.25;

export interface BodyBudget {
  /** @param client the network that counts as one client. @throws Fault UPLOADS_BUSY or ANSWERS_BUSY */
  hold(client: string, bytes: number): Held;
}

const nothing: Held = { release() {} };

export function createUploadMemory(maxBytes: number): BodyBudget {
  const text = 'Too many large uploads are under way, try again later.';
  return createBudget(maxBytes, () => apiFault('UPLOADS_BUSY', text));
}

export function createAnswerMemory(maxBytes: number): BodyBudget {
  const text = 'Too many large answers are under way, try again later.';
  return createBudget(maxBytes, () => apiFault('ANSWERS_BUSY', text));
}

function createBudget(maxBytes: number, busy: () => Fault): BodyBudget {
  const byClient = new Map<string, number>();
  let soonFree = 0;
  return {
    hold(client, bytes) {
      if (bytes <= smallBytes) return nothing;
      const own = byClient.get(client) ?? 0;
      // One body always gets through.
      const isFull = soonFree > 0 && soonFree + bytes > maxBytes;
      const isGreedy = own > 0 && own + bytes > maxBytes * clientShare;
      if (isFull || isGreedy) throw busy();
      soonFree += bytes;
      byClient.set(client, own + bytes);
      let isHeld = true;
      return {
        release() {
          if (!isHeld) return;
          isHeld = false;
          soonFree -= bytes;
          const left = (byClient.get(client) ?? 0) - bytes;
          if (left > 0) byClient.set(client, left);
          else byClient.delete(client);
        },
      };
    },
  };
}
