export { type Actor, actAs, currentActor } from './actor.ts';
export { BoundedMap } from './bounded-map.ts';
export { canonicalJson, hashOf } from './canonical-json.ts';
export { collectUpTo } from './collect.ts';
export { type CommandOptions, type CommandResult, mustRun, runCommand, startCommand } from './command.ts';
export { confine, findAbilities, readingPrograms, scanId, type UserIds, unownedId } from './confinement.ts';
export { csvLine } from './csv.ts';
export {
  errnoOf,
  errorOf,
  type Failure,
  Fault,
  type FaultKind,
  type FaultTable,
  failureOf,
  faultKinds,
  faultTable,
  type HostTrouble,
  hostErrnoOf,
  hostTroubleOf,
  isFault,
  isTemporary,
  isTlsCode,
  messageOf,
  nodeCodeOf,
} from './fault.ts';
export { type FileLock, tryFileLock } from './file-lock.ts';
export { newActivationId, newId, nodeNameForm, randomHex } from './ids.ts';
export { hasMoreValuesThan, isJsonObject, type JsonObject, type JsonValue, nestsDeeperThan } from './json.ts';
export { KeyedLock } from './keyed-lock.ts';
export { createLog, type Log, logLevels, silentLog } from './log.ts';
export { giveBack, giveBackAround } from './memory.ts';
export { matchesPattern } from './name-pattern.ts';
export { nearestName } from './nearest.ts';
export { oneAfterAnother } from './one-after-another.ts';
export { callerTextOf, outageTextOf } from './outages.ts';
export { relativeUrl } from './relative-url.ts';
export { readSecretFile } from './secret-file.ts';
export { formatSize, parseSize } from './size.ts';
export { openSqlite } from './sqlite.ts';
export { systemCallFilter, systemCallFilterHere } from './system-call-filter.ts';
export { untilAborted, withTimeout } from './timeout.ts';
export { Turns } from './turns.ts';
export { type UnneededLook, watchUnneeded } from './unneeded.ts';
export { packageVersion } from './version.ts';
export { startThread } from './worker-thread.ts';
