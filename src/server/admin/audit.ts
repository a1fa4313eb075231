/** The operator's view of the audit log, and entries for what operators do outside of the databases. */
import { parseSyslogServer, sendSyslog } from '../../forwarding/index.ts';
import type { AuditCheck, AuditCheckOptions, AuditFound, AuditQuery } from '../../gate/index.ts';
import { messageOf } from '../../lib/index.ts';
import type { NotedChange } from '../../store/index.ts';
import { sealAll } from '../audit/sealing.ts';
import { syslogMessageOf } from '../audit/syslog.ts';
import { loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { actAsOwner } from './act-as.ts';
import { isPresent, openUsedGate, operatorStores } from './operator-stores.ts';

const sendMs = 30_000;

interface Place {
  readonly dataDir?: string;
  readonly configFile?: string;
}

export interface AuditAdmin extends AsyncDisposable {
  search(query: AuditQuery): Promise<AuditFound>;
  verify(options: AuditCheckOptions): Promise<AuditCheck>;
  /** Sends entries to a syslog server. @throws Fault SYSLOG_INVALID, SYSLOG_FAILED */
  send(address: string, entries: AuditFound['entries']): Promise<void>;
}

/**
 * Seals what waits, so that the log has every change that was made before.
 * @throws Fault DATA_DIR_EMPTY, GATE_STORE_CORRUPT, GATE_STORE_FAILED
 */
export async function auditAdmin(place: Place): Promise<AuditAdmin> {
  const config = await loadConfig(place);
  const { dataDir } = config;
  const stores = operatorStores(config);
  await using stack = new AsyncDisposableStack();
  stack.use(actAsOwner(dataDir));
  const isEmpty =
    stores.engine === 'sqlite' &&
    !(await isPresent(gatePaths(dataDir).database)) &&
    !(await isPresent(dataPaths(dataDir).database));
  const gate = stack.use(isEmpty ? await openUsedGate(stores, dataDir) : await stores.openGate(false));
  if (stores.engine === 'postgres' || (await isPresent(dataPaths(dataDir).database))) {
    await using state = await stores.openState();
    await sealAll({ sources: [state.unsealed], chain: gate });
  }
  const opened = stack.move();
  return {
    search: (query) => gate.searchAudit(query),
    verify: (how) => gate.verifyAudit(how),
    async send(address, entries) {
      const server = parseSyslogServer(address);
      if (server === undefined)
        throw serverFault('SYSLOG_INVALID', `${address} is no syslog server`, {
          hint: 'Name it like tls://logs.example.com:6514.',
        });
      if (entries.length === 0) return;
      try {
        await sendSyslog(server, entries.map(syslogMessageOf), AbortSignal.timeout(sendMs));
      } catch (error) {
        throw serverFault('SYSLOG_FAILED', `${address} took no entries: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/**
 * Notes what an operator is about to do: after a failure half-way, the log has it too. Does nothing when Ward has no
 * database yet.
 */
export async function noteByOperator(place: Place, change: NotedChange): Promise<void> {
  const config = await loadConfig(place);
  const stores = operatorStores(config);
  using _acting = actAsOwner(config.dataDir);
  if (stores.engine === 'sqlite' && !(await isPresent(dataPaths(config.dataDir).database))) return;
  await using state = await stores.openState();
  await state.unsealed.add(change);
}
