/**
 * Decides about calls while the disk of the data folder takes no records: they are refused, or, if the operator
 * configures it, they continue and their answers say that a record is not guaranteed. Requests that must be durable
 * before the answer are always refused.
 */
import type { Readiness } from '../../api/index.ts';
import type { Log } from '../../lib/index.ts';
import type { Recording, RecordingTrouble } from '../../store/index.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import type { BusReach } from './bus-watch.ts';
import type { DiskStatus } from './disk-reserve.ts';

const retryAfterMs = 5000;

/** Call it before a call or a firing. @throws Fault CANNOT_RECORD */
export function admitRecord(
  recording: Recording,
  whenUnable: Config['records']['whenUnable'],
  isAccepted: boolean,
): void {
  if (recording.trouble() === undefined || (whenUnable === 'continue' && !isAccepted)) return;
  throw serverFault('CANNOT_RECORD', 'the server can’t write records of calls for now', {
    hint: 'Try again later, or ask the operator: `ward status` shows the reason.',
    retryAfterMs,
  });
}

/** Logs the start and the end of each failure. */
export function logRecording(log: Log) {
  return (trouble: RecordingTrouble | undefined): void => {
    if (trouble === undefined) log.warn('records can be written again');
    else
      log.error(
        { reason: trouble.fault.message, code: trouble.fault.code },
        'records can’t be written to the disk',
      );
  };
}

/** Whether Ward accepts calls now, and if not, why. @param reach undefined: it runs calls itself, or without a bus */
export function readiness(
  recording: Recording,
  disk: DiskStatus,
  { whenUnable }: Config['records'],
  reach?: BusReach,
): Readiness {
  const trouble = recording.trouble();
  const isRefusing = disk.state === 'critical' || (trouble !== undefined && whenUnable === 'refuse');
  return {
    ready: !isRefusing && reach?.isCutOff !== true,
    recording:
      trouble === undefined
        ? { state: 'ok' }
        : { state: 'failing', since: trouble.since, error: trouble.fault.code },
    disk: disk.state,
    ...(reach && { bus: reach.bus }),
  };
}
