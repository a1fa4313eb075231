/** Renders the chart's templates as Helm would, as far as they go: `toJson` of a value, and `if` around whole lines. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { objectsIn } from './manifests.fixture.ts';
import type { KubernetesObject } from './objects/files.ts';
import { folder } from './render.ts';

const templatesDir = join(folder, 'chart/templates');

/** Name of each template, and its text. */
export function chartTemplates(): readonly (readonly [name: string, text: string])[] {
  return readdirSync(templatesDir).map((name) => [name, readFileSync(join(templatesDir, name), 'utf8')]);
}

export function chartValues(): Record<string, Record<string, unknown>> {
  return parse(readFileSync(join(folder, 'chart/values.yaml'), 'utf8'), { version: '1.1' });
}

/** @throws Error for a template that asks for more than this renderer can do, or for an unknown value */
export function renderChart(values: ReturnType<typeof chartValues>): readonly KubernetesObject[] {
  const lookUp = (group = '', name = ''): unknown => {
    const value = values[group]?.[name];
    if (value === undefined) throw new Error(`the chart has no value ${group}.${name}`);
    return value;
  };
  return chartTemplates().flatMap(([file, template]) => {
    let text = template;
    // The innermost first: one that has no other inside.
    const block =
      /^\{\{- if (not )?\.Values\.(\w+)\.(\w+) \}\}\n((?:(?!\{\{- (?:if|end)).*\n)*?)\{\{- end \}\}\n/m;
    for (let match = block.exec(text); match !== null; match = block.exec(text)) {
      const [all, not, group, name, inside = ''] = match;
      const isShown = Boolean(lookUp(group, name)) !== (not !== undefined);
      text = text.replace(all, () => (isShown ? inside : ''));
    }
    text = text.replaceAll(/\{\{ toJson \.Values\.(\w+)\.(\w+) \}\}/g, (_, group, name) =>
      JSON.stringify(lookUp(group, name)),
    );
    if (text.includes('{{')) throw new Error(`${file}: the renderer of this test can't do all of it`);
    return objectsIn(text);
  });
}
