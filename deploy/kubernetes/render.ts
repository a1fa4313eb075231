/**
 * Writes the manifests: `npm run deploy:render`. The typed objects in `objects/` become plain YAML for kustomize and the
 * templates of the Helm chart. The files are committed, and a test compares them.
 *
 * A template is the same YAML with `{{ toJson .Values.GROUP.NAME }}` wherever a setting stands. JSON is YAML, so this is
 * right for texts, numbers, lists and objects alike.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { type ManifestFile, manifestFiles } from './objects/files.ts';
import { defaultSettings, type Settings } from './objects/settings.ts';
import { valuesSchema } from './values-schema.ts';

export const folder = import.meta.dirname;
const origin = '# Rendered by `npm run deploy:render` from deploy/kubernetes/objects: change it there.\n';

/** With an autoscaler, a fixed number would undo its decision at each upgrade. */
const replicas = { setting: 'api.replicas', unless: 'autoscaling.enabled' } as const;

/** Path below this folder → content. */
export function renderFiles(settings: Settings = defaultSettings): ReadonlyMap<string, string> {
  const marked = placeholders(settings);
  return new Map([
    ...manifestFiles.map((file): [string, string] => [
      join('kustomize', file.folder, `${file.name}.yaml`),
      origin + documentsOf(file, settings),
    ]),
    ...manifestFiles.map((file): [string, string] => [
      join('chart', 'templates', `${file.name}.yaml`),
      origin + templateOf(file, marked),
    ]),
    [join('chart', 'values.yaml'), origin + toYaml(settings)],
    [join('chart', 'values.schema.json'), `${JSON.stringify(valuesSchema(settings), undefined, 2)}\n`],
  ]);
}

function documentsOf(file: ManifestFile, settings: Settings): string {
  return file.objects(settings).map(toYaml).join('---\n');
}

function templateOf(file: ManifestFile, marked: Settings): string {
  const text = documentsOf(file, marked)
    .replaceAll(
      new RegExp(`^ *replicas: "?${mark(replicas.setting)}"?\n`, 'gm'),
      (line) => `{{- if not .Values.${replicas.unless} }}\n${line}{{- end }}\n`,
    )
    .replaceAll(new RegExp(`"?${mark('([a-zA-Z.]+)')}"?`, 'g'), '{{ toJson .Values.$1 }}');
  return file.when === undefined ? text : `{{- if .Values.${file.when} }}\n${text}{{- end }}\n`;
}

/** The settings with a mark in place of each value. The objects only hand values on, so the marks end up in their places. */
function placeholders(settings: Settings): Settings {
  const marked = Object.entries(settings).map(([group, values]) => [
    group,
    Object.fromEntries(Object.keys(values).map((name) => [name, mark(`${group}.${name}`)])),
  ]);
  return Object.fromEntries(marked) as Settings;
}

function mark(path: string): string {
  return `@@${path}@@`;
}

/**
 * Without anchors and folded lines. Kubernetes reads YAML 1.1, in which a bare `off` is false, so such words get quotes.
 */
function toYaml(value: unknown): string {
  return stringify(value, { aliasDuplicateObjects: false, compat: 'yaml-1.1', lineWidth: 0 });
}

if (import.meta.main) {
  for (const [path, text] of renderFiles()) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
