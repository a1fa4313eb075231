/** Converts fields of a function's `package.json` to labels of its image. */
import { z } from 'zod';
import type { FolderContent } from './folder-content.ts';
import { openSourceFile } from './folder-file.ts';

const maxBytes = 1024 * 1024;
const maxLabelLength = 255;

const text = z
  .string()
  .max(maxLabelLength)
  .regex(/^\P{Cc}*$/u)
  .optional()
  .catch(undefined);
const packageSchema = z.object({
  name: text,
  version: text,
  description: text,
  license: text,
  repository: z
    .union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)])
    .optional()
    .catch(undefined),
});

/** Labels from the file. An unreadable file gives none, since the build does not need it. */
export async function packageLabels({ root, entries }: FolderContent): Promise<Record<string, string>> {
  const entry = entries.find(({ path }) => path === 'package.json');
  if (entry?.type !== 'file' || entry.sizeBytes > maxBytes) return {};
  const file = await openSourceFile(root, entry);
  try {
    const bytes = Buffer.alloc(entry.sizeBytes);
    await file.read(bytes, 0, bytes.length, 0);
    return labelsOf(bytes.toString('utf8'));
  } finally {
    await file.close();
  }
}

function labelsOf(json: string): Record<string, string> {
  const { name, version, description, license, repository } = parse(json);
  const labels = { title: name, version, description, licenses: license, source: sourceOf(repository) };
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[`org.opencontainers.image.${name}`, value]],
    ),
  );
}

function parse(json: string): z.infer<typeof packageSchema> {
  try {
    return packageSchema.safeParse(JSON.parse(json)).data ?? {};
  } catch {
    return {};
  }
}

/** The repository's address without credentials. */
function sourceOf(repository: string | undefined): string | undefined {
  const plain = repository?.replace(/^git\+/, '');
  if (plain === undefined || !URL.canParse(plain)) return undefined;
  const url = new URL(plain);
  if (!['http:', 'https:', 'ssh:', 'git:'].includes(url.protocol)) return undefined;
  url.username = url.password = '';
  url.search = url.hash = '';
  return url.href.length > maxLabelLength ? undefined : url.href;
}
