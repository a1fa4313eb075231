/**
 * Copies all data of a Ward, as of one moment, into a folder while the server runs. The server writes a blob before a
 * row names it, and deletes it after the last such row is gone. So this first holds the existing blobs, then opens
 * the databases, then holds newer blobs. It opens the state before the databases that refer to it from there, and the
 * gate last, so that every action in the copy has its image and its verdict. The operator's files are read after
 * that.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { blobPath, isDigest } from '../../blobs/index.ts';
import { blobsKnownIn } from '../../content/index.ts';
import { blobsBelow, ownImageNames, readIndex, refNameOf } from '../../images/index.ts';
import { isFault } from '../../lib/index.ts';
import { codeNamedIn, type DatabaseSnapshot, openSnapshot, schemaOfState } from '../../store/index.ts';
import { buildInfo } from '../build-info.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { ownVexFolder } from '../gate/vex-place.ts';
import { gatePaths } from '../instance/gate-paths.ts';
import { dataPaths, instanceName } from '../instance/instance.ts';
import { copyIfThere, type HeldBlobs, holdBlobs, holdFile, namesIn } from './held-blobs.ts';
import { type BackupHeader, isMemberName, type Member, type MissingPart } from './members.ts';

interface SnapshotOptions {
  readonly config: Config;
  /** The configuration file, if any: it belongs to the operator, and the backup lists it as missing. */
  readonly configFile: string | undefined;
  /** A new folder in the data folder. */
  readonly stage: string;
  readonly withKeys: boolean;
  /** Reads the operator's key file, which the owner of the data folder may not be able to read. Undefined: there is none. */
  readonly readKeys: () => Promise<Buffer | undefined>;
  readonly withAdvisories: boolean;
  readonly onStep: (text: string) => void;
  readonly signal: AbortSignal;
}

export interface Snapshot {
  readonly header: BackupHeader;
  readonly members: readonly Member[];
}

/** Retries when an action is changed and its old code deleted between two reads; more retries are not plausible. */
const attempts = 5;

/** @throws Fault BACKUP_FAILED, and Faults of the store and image rooms */
export async function takeSnapshot(options: SnapshotOptions): Promise<Snapshot> {
  const { config, stage, onStep, signal } = options;
  const paths = dataPaths(config.dataDir);
  const missing: MissingPart[] = [];
  const code = holdBlobs(paths.code, join(stage, 'code'), 'code');
  const registry = holdBlobs(paths.registry, join(stage, 'registry-blobs'), 'registry');
  const databases: Member[] = [];
  using moment = openMoment(config.dataDir, code, registry);
  missing.push(...moment.gone.map((name) => ({ part: 'code', name, why: 'gone' }) as const));
  // Later keys decrypt what earlier ones have encrypted, but not the other way round.
  const keyText = options.withKeys ? await options.readKeys() : undefined;
  const operators = operatorFiles(options, keyText);
  for (const { name, snapshot } of moment.databases) {
    signal.throwIfAborted();
    const file = join(stage, name.replaceAll('/', '-'));
    await snapshot.copyTo(file, (share) => onStep(`copying ${name} ${Math.floor(share * 100)} %`));
    databases.push(memberOf(name, file));
  }
  const images = await ownImages(config.imagesDir, stage);
  const members = [
    ...databases,
    ...operators.members,
    ...code.members(),
    ...registry.members(),
    ...images.members,
  ];
  return {
    members,
    header: {
      form: 1,
      ward: buildInfo.buildno,
      takenAt: moment.takenAt,
      instance: instanceName(config.dataDir),
      schemas: moment.schemas,
      files: members.length,
      bytes: members.reduce((sum, { size }) => sum + size, 0),
      missing: [...missing, ...operators.missing, ...images.missing],
    },
  };
}

interface Moment extends Disposable {
  readonly takenAt: string;
  readonly schemas: BackupHeader['schemas'];
  readonly databases: readonly { readonly name: string; readonly snapshot: DatabaseSnapshot }[];
  /** Digests of code and blobs that were missing before the backup. */
  readonly gone: readonly string[];
}

function openMoment(dataDir: string, code: HeldBlobs, registry: HeldBlobs): Moment {
  for (let attempt = 1; ; attempt++) {
    code.hold();
    registry.hold();
    using stack = new DisposableStack();
    const open = (path: string) => {
      const snapshot = openSnapshot(path);
      return snapshot === undefined ? undefined : stack.use(snapshot);
    };
    const paths = dataPaths(dataDir);
    const state = open(paths.database);
    if (state === undefined)
      throw serverFault('DATA_DIR_EMPTY', `there is no database of Ward in ${dataDir}`);
    const pushed = open(join(paths.registry, 'registry.db'));
    const gate = open(gatePaths(dataDir).database);
    const takenAt = new Date().toISOString();
    code.hold();
    registry.hold();
    const gone = [
      ...codeNamedIn(state).filter((digest) => !code.has(digest)),
      ...(pushed === undefined ? [] : blobsKnownIn(pushed).filter((digest) => !registry.has(digest))),
    ];
    if (gone.length > 0 && attempt < attempts) continue;
    const opened = stack.move();
    const databases = [
      { name: 'state/ward.db', snapshot: state },
      ...(pushed === undefined ? [] : [{ name: 'registry/registry.db', snapshot: pushed }]),
      ...(gate === undefined ? [] : [{ name: 'gate/gate.db', snapshot: gate }]),
    ];
    const schemas = {
      state: schemaOfState(state) ?? '',
      registry: pushed?.userVersion ?? null,
      gate: gate?.userVersion ?? null,
    };
    return { takenAt, schemas, databases, gone, [Symbol.dispose]: () => opened.dispose() };
  }
}

interface Part {
  readonly members: readonly Member[];
  readonly missing: readonly MissingPart[];
}

function operatorFiles(options: SnapshotOptions, keyText: Buffer | undefined): Part {
  const { config, configFile, stage, withKeys, withAdvisories } = options;
  const gate = gatePaths(config.dataDir);
  const paths = dataPaths(config.dataDir);
  const members: Member[] = [];
  const missing: MissingPart[] = [];
  const into = join(stage, 'files');
  mkdirSync(into, { mode: 0o700 });
  const add = (name: string, file: string, hold: typeof holdFile = copyIfThere): boolean => {
    if (!isMemberName(name))
      throw serverFault(
        'BACKUP_FAILED',
        `the file ${JSON.stringify(file)} has a name that a backup can't contain`,
        {
          hint: 'rename it, or move it out of the folder',
        },
      );
    const as = join(into, String(members.length));
    if (!hold(file, as)) return false;
    members.push(memberOf(name, as));
    return true;
  };
  add('gate/policy.yaml', gate.policy);
  add('gate/waivers.json', gate.waivers);
  for (const [name, folder] of [
    ['gate/vex', ownVexFolder(gate.vex)],
    ['gate/rules', gate.rules],
  ] as const) {
    for (const file of filesIn(folder)) add(`${name}/${file}`, join(folder, file));
  }
  if (!withAdvisories) missing.push({ part: 'advisories', name: gate.advisories, why: 'not asked for' });
  // The file is only replaced as a whole, so it need not be copied.
  else if (!add('advisories/advisories.db', gate.advisories, holdFile))
    missing.push({ part: 'advisories', name: gate.advisories, why: 'gone' });
  const key = (part: MissingPart['part'], name: string, file: string, hold = copyIfThere): void => {
    if (!withKeys) missing.push({ part, name: file, why: 'not asked for' });
    else if (!add(name, file, hold)) missing.push({ part, name: file, why: 'gone' });
  };
  const { keyFile } = config.parameters;
  const holdGiven: typeof copyIfThere = (_file, as) => {
    if (keyText !== undefined) writeFileSync(as, keyText, { mode: 0o600 });
    return keyText !== undefined;
  };
  if (process.env['WARD_PARAMETER_KEYS'] === undefined) {
    if (keyFile === undefined) key('parameter keys', 'parameters.keys', paths.parameterKeys);
    else key('parameter keys', 'parameters.keys', keyFile, holdGiven);
  } else missing.push({ part: 'parameter keys', name: 'WARD_PARAMETER_KEYS', why: 'elsewhere' });
  if (statSync(paths.guestKey, { throwIfNoEntry: false }) !== undefined)
    key('guest key', 'guest.auth', paths.guestKey);
  for (const file of filesIn(gate.keys)) key('signing keys', `gate/keys/${file}`, join(gate.keys, file));
  if (configFile !== undefined) missing.push({ part: 'configuration', name: configFile, why: 'elsewhere' });
  return { members, missing };
}

/** Images with their signatures, except Ward's own, which the set-up can build anywhere. */
async function ownImages(dir: string, stage: string): Promise<Part> {
  const index = await readIndex(dir);
  const all = index?.manifests ?? [];
  const names = ownImageNames();
  // Ward's own images have other names too: `nodejs:default`.
  const own = new Set(all.filter((entry) => names.has(refNameOf(entry) ?? '')).map(({ digest }) => digest));
  const entries = all.filter(({ digest }) => !own.has(digest));
  const blobs = new Map<string, Member>();
  const missing: MissingPart[] = [];
  const manifests: typeof entries = [];
  for (const entry of entries) {
    try {
      const found = await blobsBelow(dir, entry);
      if (found.length === 0) throw serverFault('BACKUP_FAILED', 'its manifest is missing');
      manifests.push(entry);
      for (const { digest } of found.filter(({ digest }) => isDigest(digest))) {
        const name = `images/blobs/sha256/${digest.slice('sha256:'.length)}`;
        blobs.set(name, memberOf(name, blobPath(dir, digest)));
      }
    } catch (error) {
      if (!isFault(error)) throw error;
      missing.push({ part: 'image', name: refNameOf(entry) ?? entry.digest, why: 'gone' });
    }
  }
  if (manifests.length === 0) return { members: [], missing };
  const file = join(stage, 'images-index.json');
  writeFileSync(file, JSON.stringify({ ...index, manifests }), { mode: 0o600 });
  return { members: [memberOf('images/index.json', file), ...blobs.values()], missing };
}

function memberOf(name: string, file: string): Member {
  return { name, file, size: statSync(file).size };
}

/** Regular files directly in the folder. */
function filesIn(dir: string): readonly string[] {
  return namesIn(dir)
    .filter((name) => statSync(join(dir, name), { throwIfNoEntry: false })?.isFile() === true)
    .sort();
}
