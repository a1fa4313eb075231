/** Opens the gate's store in a file of SQLite. */
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from './database.ts';
import type { Database } from './line.ts';
import { PackedGateStore } from './packed-store.ts';
import { answerAll, describe, type OpenFile } from './requests.ts';
import { faultOf } from './store-fault.ts';
import { openInThread } from './thread.ts';
import type { GateStore } from './types.ts';

export interface GateStoreOptions {
  /** Path of the file. The store creates it and its folder when they are missing. */
  readonly path: string;
  /** For servers: opens the file in a thread of its own, which takes some 30 ms to start. */
  readonly inThread?: boolean;
}

/** @throws Fault GATE_STORE_FAILED, GATE_STORE_CORRUPT, GATE_STORE_NEWER */
export async function openGateStore({ path, inThread = false }: GateStoreOptions): Promise<GateStore> {
  return gateStoreIn(path, inThread ? await openInThread(path) : openHere(path));
}

export function gateStoreIn(path: string, file: OpenFile): GateStore {
  return new PackedGateStore(withFaults(path, file));
}

function openHere(path: string): OpenFile {
  try {
    return fileIn(openDatabase(path));
  } catch (error) {
    throw faultOf(describe(error), path);
  }
}

/** Answers requests in this thread. */
export function fileIn(db: DatabaseSync): OpenFile {
  return { answer: async (requests) => answerAll(db, requests), close: async () => db.close() };
}

function withFaults(path: string, file: OpenFile): Database {
  return {
    async answer(requests) {
      try {
        const answers = await file.answer(requests);
        return answers.map((answer) => ('error' in answer ? { fault: faultOf(answer.error, path) } : answer));
      } catch (error) {
        throw faultOf(describe(error), path);
      }
    },
    close: () => file.close(),
  };
}
