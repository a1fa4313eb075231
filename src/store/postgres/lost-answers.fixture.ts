/**
 * A way to a PostgreSQL server that can lose a statement or its answer: it ends the connection instead of passing it on.
 * It can also keep a statement, as a network may, and pass it on when nobody waits for it any more.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { PostgresServer } from './server.fixture.ts';

export type Lost = 'statement' | 'answer' | 'late statement';

export interface LosingWay extends AsyncDisposable {
  url(database: string): string;
  /** Loses what comes as this piece from now on; 1: the next. Replaces what was to be lost before. */
  lose(what: Lost, at: number): void;
  /** Number of pieces that it has lost. */
  lost(): number;
  /** Passes on the late statements, and resolves when the server has answered them. */
  passLate(): Promise<void>;
}

export async function losingWay(server: PostgresServer): Promise<LosingWay> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-way-'));
  const sockets = new Set<Socket>();
  let [awaited, left, lost]: [Lost, number, number] = ['answer', 0, 0];
  const late: { readonly to: Socket; readonly piece: Buffer }[] = [];
  const listener = createServer((client) => {
    const toServer = connect(server.socket);
    for (const socket of [client, toServer]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    }
    client.on('close', () => {
      if (!late.some(({ to }) => to === toServer)) toServer.destroy();
    });
    toServer.on('close', () => client.destroy());
    const pass = (isAnswer: boolean, to: Socket) => (piece: Buffer) => {
      if (isAnswer !== (awaited === 'answer') || --left !== 0) to.write(piece);
      else {
        lost++;
        if (awaited === 'late statement') late.push({ to, piece });
        client.destroy();
      }
    };
    client.on('data', pass(false, toServer));
    toServer.on('data', pass(true, client));
  });
  await new Promise<void>((resolve) => listener.listen(join(folder, basename(server.socket)), resolve));
  return {
    url: (database) => `postgres://ward@/${database}?host=${encodeURIComponent(folder)}`,
    lose: (what, at) => {
      [awaited, left] = [what, at];
    },
    lost: () => lost,
    async passLate() {
      for (const { to, piece } of late.splice(0)) {
        to.write(piece);
        await once(to, 'data');
        to.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}
