/** Opens the gate's store in a PostgreSQL database, which may also have the tables of other rooms. */
import { type OnNewer, openPostgresSchema } from '../../../store/index.ts';
import { PackedGateStore } from '../packed-store.ts';
import type { GateStore } from '../types.ts';
import { databaseOn } from './batch.ts';
import { readFault } from './faults.ts';
import { migrations, schema } from './migrations.ts';

export interface PostgresGateStoreOptions {
  /** `postgres://user:password@host:port/database`. The database exists, and the user owns it. */
  readonly url: string;
  /** Writes nothing, also no tables: a database that another version of Ward has written is refused. */
  readonly isReader?: boolean;
  /** Without it, a database that a newer Ward has upgraded is refused. */
  readonly onNewer?: OnNewer | undefined;
}

/**
 * Several servers can have the database open at a time; their audit entries make one chain.
 * @throws Fault GATE_STORE_UNREACHABLE, GATE_STORE_FAILED, GATE_STORE_CORRUPT, GATE_STORE_NEWER, GATE_STORE_FULL
 */
export async function openPostgresGateStore(options: PostgresGateStoreOptions): Promise<GateStore> {
  try {
    return new PackedGateStore(databaseOn(await openPostgresSchema({ ...options, schema, migrations })));
  } catch (error) {
    throw readFault(error, 'PostgreSQL');
  }
}
