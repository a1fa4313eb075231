/**
 * `ward fsck`: checks all data of a Ward for damage. It changes nothing without `--repair`, and can run beside the
 * server: it reads databases as of one moment.
 */
import { existsSync } from 'node:fs';
import { manifestsKnownIn } from '../../content/index.ts';
import { createVault, unreadableIn } from '../../functions/index.ts';
import { gateSchema } from '../../gate/index.ts';
import { layersOf } from '../../images/index.ts';
import { isFault, messageOf, silentLog, tryFileLock } from '../../lib/index.ts';
import { advisoryStatus, compareDigest } from '../../scanner/index.ts';
import { newestSchema, type PostgresStore, schemaOfState } from '../../store/index.ts';
import { actAsOwner, ownerOf } from '../admin/act-as.ts';
import { openUsedGate, operatorStores, readUsedState } from '../admin/operator-stores.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { sharedPolicy } from '../gate/policy-source.ts';
import { sharedVex } from '../gate/vex-place.ts';
import { checkFolderId } from '../instance/folder-id.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths } from '../instance/instance.ts';
import { readGivenKeys } from '../secrets/secrets.ts';
import { openVaultKeys } from '../secrets/vault-keys.ts';
import { type OpenBucket, openBucketByHand } from '../stores/shared-blobs.ts';
import type { PostgresStores, Stores } from '../stores/stores.ts';
import { checkBlobPlaces } from './blob-places.ts';
import { checkSharedAdvisories } from './bucket.ts';
import { type CheckedDatabases, checkDatabases } from './databases.ts';
import { Findings, type FsckReport } from './findings.ts';
import { checkStore } from './images.ts';
import { checkSharedUsage } from './shared-state.ts';

export interface FsckOptions {
  readonly dataDir?: string;
  readonly configFile?: string;
  /** Removes damaged layers, so that they are unpacked again. No Ward may run on the folder. */
  readonly repair: boolean;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

/** @throws Fault DATA_DIR_EMPTY, WARD_RUNNING */
export async function checkAll(options: FsckOptions): Promise<FsckReport> {
  const { repair, onStep, signal } = options;
  const config = await loadConfig(options);
  const { dataDir, imagesDir } = config;
  const paths = dataPaths(dataDir);
  const stores = operatorStores(config);
  if (stores.engine === 'sqlite' && !existsSync(paths.database) && !existsSync(paths.registry))
    throw serverFault('DATA_DIR_EMPTY', `${dataDir} has no data of Ward`);
  const given = readGivenKeys(config, process.env, ownerOf(dataDir));
  using stack = new DisposableStack();
  const acting = stack.use(actAsOwner(dataDir));
  // While the lock is held, no Ward starts, which would change the data.
  const lock = existsSync(paths.lock) ? tryFileLock(paths.lock) : undefined;
  if (lock !== undefined) stack.use(lock);
  const isRunning = lock === undefined && existsSync(paths.lock);
  if (repair && isRunning) {
    throw serverFault('WARD_RUNNING', `a Ward runs on ${dataDir}, so ward fsck can’t repair it`, {
      hint: 'stop it first; without --repair the check can run beside it',
    });
  }
  const findings = new Findings();
  const databases = stores.engine === 'sqlite' ? checkDatabases(dataDir, findings, stack, onStep) : elsewhere;
  const { registry } = databases;
  await using shared = stores.engine === 'sqlite' ? undefined : await sharedState(stores, findings);
  await using bucket = config.blobs === undefined ? undefined : await openBucketByHand(config.blobs);
  if (stores.engine === 'sqlite') checkMix(dataDir, findings);
  else {
    findings.note('databases: in PostgreSQL, whose pg_amcheck checks them');
    if (shared !== undefined) await checkSharedUsage(shared, findings);
  }
  await checkBlobPlaces({ config, stores, shared, databases, bucket, signal, onStep }, findings);
  const pushed =
    registry === undefined || bucket !== undefined
      ? new Map()
      : await layersOf(paths.registry, manifestsKnownIn(registry));
  // The store can belong to another user.
  const repaired = await acting.aside(async () => {
    using storeActing = actAsOwner(imagesDir);
    const { aside } = storeActing;
    return await checkStore({ imagesDir, pushed, repair, aside, signal, onStep }, findings);
  });
  await checkAdvisories(dataDir, findings, onStep);
  await checkKeys({ config, given, stores, shared, findings, onStep }, databases);
  await checkAudit({ dataDir, stores, shared, bucket, findings, onStep }, databases);
  const { checked, all, notes } = findings;
  return { dataDir, imagesDir, isRunning, checked, findings: all, repaired, notes };
}

function checkMix(dataDir: string, findings: Findings): void {
  try {
    checkFolderId(dataDir, false, silentLog);
  } catch (error) {
    if (!isFault(error, 'DATA_DIR_MIXED')) throw error;
    findings.tell('databases', dataDir, error.message, error.hint ?? '');
  }
}

/** Databases that are not files. */
const elsewhere: CheckedDatabases = { state: undefined, registry: undefined, gate: undefined };

interface KeysCheck {
  readonly config: Config;
  readonly given: ReturnType<typeof readGivenKeys>;
  readonly stores: Stores;
  readonly shared: PostgresStore | undefined;
  readonly findings: Findings;
  readonly onStep: (text: string) => void;
}

/** The state in PostgreSQL. Undefined when another version of Ward has written it: this one would have to change it. */
async function sharedState(stores: PostgresStores, findings: Findings): Promise<PostgresStore | undefined> {
  try {
    return await readUsedState(stores);
  } catch (error) {
    if (!isFault(error, 'STORE_UNFIT')) throw error;
    findings.note(`code, keys and audit: not compared with the database: ${error.message}`);
    return undefined;
  }
}

/** Decrypts every encrypted value. */
async function checkKeys(check: KeysCheck, { state }: CheckedDatabases): Promise<void> {
  const { config, given, stores, shared, findings } = check;
  if (stores.engine === 'postgres' && shared === undefined) return;
  if (stores.engine === 'sqlite') {
    if (state === undefined)
      return findings.note('keys: not checked, because the database is missing or damaged');
    const schema = schemaOfState(state);
    // Opening an older database would migrate it.
    if (schema === undefined || schema !== (await newestSchema()))
      return findings.note(
        'keys: not checked, because the database is of another version of Ward; start Ward once',
      );
  }
  try {
    await openSealed(check);
  } catch (error) {
    if (!isFault(error) || !error.code.startsWith('PARAMETER_KEYS')) throw error;
    findings.tell(
      'keys',
      given?.source ?? dataPaths(config.dataDir).parameterKeys,
      error.message,
      error.hint ?? keysRemedy,
    );
  }
}

const keysRemedy = 'put the key back into the key file, after the first one; or set the parameter again';

async function openSealed({ config, given, stores, shared, findings, onStep }: KeysCheck): Promise<void> {
  onStep('opening parameters');
  const { keys, file } = await openVaultKeys(config, given, false);
  findings.checked.keys += keys().length;
  await using stack = new AsyncDisposableStack();
  const store = shared ?? stack.use(await stores.openState());
  for (const [place, count] of await unreadableIn(store, createVault(keys)))
    findings.tell(
      'keys',
      place,
      `${count} encrypted values can’t be decrypted with ${file ?? 'the keys'}`,
      keysRemedy,
    );
}

interface AuditLogCheck extends Pick<KeysCheck, 'stores' | 'shared' | 'findings' | 'onStep'> {
  readonly dataDir: string;
  readonly bucket: OpenBucket | undefined;
}

async function checkAudit(
  { dataDir, stores, shared, bucket, findings, onStep }: AuditLogCheck,
  { gate }: CheckedDatabases,
): Promise<void> {
  if (stores.engine === 'postgres' && shared === undefined) return;
  if (stores.engine === 'sqlite' && gate?.userVersion !== gateSchema)
    return findings.note(
      'audit: not read, because gate.db is missing, damaged or of another version of Ward',
    );
  onStep('reading the audit log');
  await using audit = await (stores.engine === 'sqlite' ? openUsedGate(stores, dataDir) : stores.readGate());
  const { entries, problems } = await audit.verifyAudit({});
  findings.checked.audit += entries;
  for (const { seq, text } of problems)
    findings.tell('audit', `entry ${seq}`, text, 'see ward audit verify, and compare with a backup');
  const unlessCorrupt = async (work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      if (!isFault(error, 'GATE_STORE_CORRUPT')) throw error;
      findings.tell('databases', 'the gate', error.message, error.hint ?? '');
    }
  };
  for (const name of [sharedPolicy, sharedVex]) await unlessCorrupt(() => audit.sharedFile(name));
  const advisories = await bucket?.open('advisories');
  await unlessCorrupt(() => checkSharedAdvisories(audit, advisories, findings));
}

const advisoriesRemedy = 'move the file away, and download the advisories again with ward advisories update';

/** Checks the file of advisories with SQLite's own check, and against the digest that its import recorded. */
async function checkAdvisories(
  dataDir: string,
  findings: Findings,
  onStep: (text: string) => void,
): Promise<void> {
  const { advisories: path } = gatePaths(dataDir);
  if (!existsSync(path)) return;
  onStep('reading the advisories');
  try {
    findings.checked.advisories += advisoryStatus({ path })?.state.count ?? 0;
    const state = await compareDigest(path);
    if (state === 'differs')
      findings.tell('advisories', path, 'its content differs from what was imported', advisoriesRemedy);
    if (state === 'unknown') findings.note('advisories: no import has recorded a digest of this file');
  } catch (error) {
    findings.tell('advisories', path, messageOf(error), advisoriesRemedy);
  }
}
