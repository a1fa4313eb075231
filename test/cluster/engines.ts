/** The engines of a cluster on this machine: PostgreSQL, servers of NATS, and an S3-compatible store. */
import { missingForMoto, startMoto, type TestServer, testBucket } from '../../src/blobs/s3/moto.fixture.ts';
import { missingForNats, type NatsServers, startNats } from '../../src/bus/nats-server.fixture.ts';
import {
  missingForPostgres,
  type PostgresServer,
  startPostgres,
} from '../../src/store/postgres/server.fixture.ts';
import { missingForSandboxes } from '../ward.ts';
import type { Routes } from './routes.ts';

export interface Engines extends AsyncDisposable {
  readonly postgres: PostgresServer;
  readonly nats: NatsServers;
  readonly moto: TestServer;
  readonly settings: EngineSettings;
}

/** The three settings of a server of Ward. */
export interface EngineSettings {
  readonly store: string;
  readonly bus: string;
  readonly blobs: string;
}

export interface EngineOptions {
  readonly natsServers?: number;
  /** Address of this machine by which nodes reach them; by default they are reached on this machine only. */
  readonly address?: string | undefined;
  /** A signal of the terminal does not reach them. */
  readonly detached?: boolean;
  /** PostgreSQL waits for the disk, so that what it has committed survives its crash. */
  readonly isDurable?: boolean;
  /** The ways between the servers of NATS. */
  readonly routes?: Routes;
  /** PostgreSQL has a disk of this size. */
  readonly diskMiB?: number;
}

/** Why this machine can't have a cluster, or undefined. */
export async function missingForCluster(): Promise<string | undefined> {
  return (
    missingForSandboxes() ??
    (await missingForPostgres()) ??
    (await missingForNats()) ??
    (await missingForMoto())
  );
}

export async function startEngines(options: EngineOptions = {}): Promise<Engines> {
  const { natsServers = 1, address, detached = false, isDurable = false, routes, diskMiB } = options;
  const where = { ...(address !== undefined && { address }), detached };
  await using stack = new AsyncDisposableStack();
  // One after the other, so that each is ended if a later one does not start.
  const postgres = stack.use(
    await startPostgres({ ...where, isDurable, ...(diskMiB !== undefined && { diskMiB }) }),
  );
  const nats = stack.use(
    await startNats(natsServers, [], { ...where, ...(routes && { routesBetween: routes.open }) }),
  );
  const moto = stack.use(await startMoto(where));
  await postgres.admin('create database ward');
  const own = stack.move();
  return {
    ...{ postgres, nats, moto },
    settings: {
      store: address === undefined ? postgres.url('ward') : `postgres://ward@${address}:5432/ward`,
      bus: nats.setting,
      blobs: blobsAt(moto.url),
    },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
}

/** The setting `blobs` for the store at this address. */
export function blobsAt(url: string): string {
  return `s3://${testBucket}/ward?endpoint=${url}`;
}
