/** A function's code as an archive, which Ward unpacks as root. */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { isFault } from '../../lib/index.ts';
import { programText } from '../programs.ts';
import type { AttackAnswer, HostContext, Technique } from '../types.ts';

const head = { vector: 'application', control: 'archive-check', expects: ['refused'] } as const;

interface Entry {
  readonly name: string;
  readonly content: string | Buffer;
  /** File type and mode, as `stat` has them. */
  readonly mode?: number;
}

const link = 0o120777;
/** A number whose four bytes occur nowhere else in the archive. */
const bombBytes = 0x0123_4568;

export const archiveTechniques: readonly Technique[] = [
  {
    ...head,
    name: 'archive-link',
    title: 'put a link to a host file in the code',
    reference: 'CVE-2018-1002200 (Zip Slip)',
    run: (context) =>
      bring(context, [
        { name: '__main__.py', content: programText('application/archive-look') },
        { name: 'file', content: context.facts.secretFile, mode: link },
      ]),
  },
  {
    ...head,
    name: 'archive-through-link',
    title: 'put a link to a host folder in the code, and a file behind the link',
    reference: 'CVE-2018-1002200 (Zip Slip), CVE-2021-32610',
    run: (context) =>
      bring(context, [
        { name: '__main__.py', content: programText('application/archive-good') },
        { name: 'folder', content: '/tmp', mode: link },
        { name: 'folder/ward-prove-was-here', content: 'x' },
      ]),
  },
  {
    ...head,
    name: 'archive-climb',
    title: 'put a file in the code whose name climbs out of the folder',
    reference: 'CVE-2018-1002200 (Zip Slip)',
    run: (context) =>
      bring(
        context,
        [
          { name: '__main__.py', content: programText('application/archive-good') },
          { name: 'AA/AA/AA/ward-prove-was-here', content: 'x' },
        ],
        (bytes) => replaceAll(bytes, 'AA/AA/AA/', '../../../'),
      ),
  },
  {
    ...head,
    name: 'archive-absolute',
    title: 'put a file in the code whose name is that of a host file',
    reference: 'CVE-2018-1002200 (Zip Slip)',
    run: (context) =>
      bring(
        context,
        [
          { name: '__main__.py', content: programText('application/archive-good') },
          { name: 'Atmp/ward-prove-was-here', content: 'x' },
        ],
        (bytes) => replaceAll(bytes, 'Atmp/', '/tmp/'),
      ),
  },
  {
    ...head,
    name: 'archive-bomb',
    title: 'send an archive that declares ten bytes and unpacks to 18 MiB',
    reference: 'CWE-409',
    run: (context) =>
      bring(
        context,
        [
          { name: '__main__.py', content: programText('application/archive-good') },
          { name: 'zeros', content: Buffer.alloc(bombBytes) },
        ],
        (bytes) => replaceAll(bytes, littleEndian(bombBytes), littleEndian(10)),
      ),
  },
  {
    ...head,
    name: 'archive-special',
    title: 'put a device and a pipe in the code',
    reference: 'mknod(2)',
    run: (context) =>
      bring(context, [
        { name: '__main__.py', content: programText('application/archive-good') },
        { name: 'device', content: '', mode: 0o020666 },
        { name: 'pipe', content: '', mode: 0o010666 },
      ]),
  },
];

/** The archive must be refused, or unpacked without its hostile entry: then the function runs and gained nothing. */
async function bring(
  { deploy, facts }: HostContext,
  entries: readonly Entry[],
  forge: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<AttackAnswer> {
  const archive = new ZipFile();
  for (const { name, content, mode = 0o100644 } of entries)
    archive.addBuffer(Buffer.from(content), name, { mode, compress: content.length > 0 });
  archive.end();
  try {
    const action = await deploy(forge(await buffer(archive.outputStream)));
    const { status, json } = await action.call();
    if (json.includes(facts.secret)) return { outcome: 'ESCAPED', detail: 'a file of the host was read' };
    if (status === 'success')
      return { outcome: 'ESCAPED', detail: `the archive was accepted: ${json.slice(0, 100)}` };
    return { outcome: 'BLOCKED', answer: 'refused', detail: json.slice(0, 200) };
  } catch (error) {
    if (isFault(error)) return { outcome: 'BLOCKED', answer: 'refused', detail: error.message };
    throw error;
  }
}

function littleEndian(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('latin1');
}

/** Replaces a name by one of the same length, in both places where an archive has names. */
function replaceAll(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
}
