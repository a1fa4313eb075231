/**
 * Servers that share a database need the same keys for parameters. The first one stores a text that it encrypted. A
 * server that can't decrypt it has other keys, and would store parameters that the others can't read. So it does not
 * start.
 */
import { existsSync } from 'node:fs';
import { createVault, sealingKeyOf, systemNamespace, type VaultKeySource } from '../../functions/index.ts';
import { isFault, type Log } from '../../lib/index.ts';
import type { SharedFacts } from '../../store/index.ts';
import { serverFault } from '../faults.ts';

interface KeyCheckOptions {
  readonly facts: Pick<SharedFacts, 'keyCheck' | 'setKeyCheck'>;
  /** Where the server's keys are, for messages. */
  readonly source: string;
}

const place = `${systemNamespace} keys`;
const value = 'the keys are the same';

/** Call it before the folder gets keys of its own. @throws Fault PARAMETER_KEYS_DIFFER */
export async function refuseNewKeys({ facts, source }: KeyCheckOptions): Promise<void> {
  if (existsSync(source) || (await facts.keyCheck()) === undefined) return;
  throw differ(`there are no keys in ${source}`);
}

/**
 * @param isLossAccepted continues with other keys: parameters of the earlier ones can't be read any more
 * @throws Fault PARAMETER_KEYS_DIFFER
 */
export async function checkSharedKeys(
  keys: VaultKeySource,
  { facts, source, isLossAccepted, log }: KeyCheckOptions & { isLossAccepted: boolean; log: Log },
): Promise<void> {
  const known = await facts.keyCheck();
  if (known !== undefined && !opens(keys, known)) {
    if (!isLossAccepted) throw differ(`the keys in ${source} are not those`);
    log.warn({ keys: source }, 'continues without the keys of stored parameters');
    return await noteSharedKeys(keys, facts);
  }
  const [{ id: newest }] = keys();
  if (known === undefined || sealingKeyOf(known) !== newest) await noteSharedKeys(keys, facts);
}

/** Stores the text anew with the first key; after that, other keys can be removed. */
export async function noteSharedKeys(
  keys: VaultKeySource,
  facts: Pick<SharedFacts, 'setKeyCheck'>,
): Promise<void> {
  await facts.setKeyCheck(createVault(keys).seal(value, place));
}

function opens(keys: VaultKeySource, sealed: string): boolean {
  try {
    return createVault(keys).open(sealed, place) === value;
  } catch (error) {
    if (isFault(error, 'VAULT_KEY_MISSING') || isFault(error, 'STORED_ENTITY_CORRUPT')) return false;
    throw error;
  }
}

function differ(problem: string) {
  return serverFault(
    'PARAMETER_KEYS_DIFFER',
    `parameters in the database are encrypted with keys that this server lacks: ${problem}`,
    {
      hint:
        'give every server of a database the same keys by parameters.keyFile, or copy parameters.keys; ' +
        'if they are lost: ward up --accept-missing keys (encrypted parameters and queued calls can’t be read any more)',
    },
  );
}
