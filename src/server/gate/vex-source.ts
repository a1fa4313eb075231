/** The operator's VEX documents: read once, and again when the folder changes. */
import { readVexFolder, type TrustedVex } from '../../gate/index.ts';
import { type Log, messageOf } from '../../lib/index.ts';
import { stampOfFolder } from './folder-stamp.ts';

export interface VexSource {
  current(): TrustedVex;
  /** Reads the folder again. If that fails, the earlier documents stay in force, and the log says why. */
  refresh(): Promise<void>;
}

export async function openVexSource(folder: string, log: Log): Promise<VexSource> {
  let vex: TrustedVex = { revision: '', statements: [] };
  let seen = '';
  const refresh = async (): Promise<void> => {
    const stamp = await stampOfFolder(folder);
    if (stamp === seen) return;
    seen = stamp;
    try {
      vex = await readVexFolder(folder);
    } catch (error) {
      log.error(
        { folder, reason: messageOf(error) },
        'VEX documents can’t be read; the previous ones stay in force',
      );
    }
  };
  await refresh();
  return { current: () => vex, refresh };
}
