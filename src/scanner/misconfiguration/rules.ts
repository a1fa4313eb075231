/** Compiles `misconfiguration.yaml`. Each rule tests files, folders, an image's variables or history, or names a check. */
import { z } from 'zod';
import { type TextTest, textTest } from '../patterns/text-test.ts';
import { anyGlob, type PathTest } from '../rules/path-glob.ts';
import { revisionOf } from '../rules/revision.ts';
import { inRulesFile, type RulesFile } from '../rules/rules-files.ts';
import {
  expandGlobs,
  globs,
  inRule,
  parseRules,
  pathLists,
  requireUniqueIds,
  ruleId,
  sentence,
  severityName,
} from '../rules/yaml-rules.ts';
import type { Misconfiguration } from '../types.ts';

const mode = z.string().regex(/^[0-7]{3,4}$/, 'octal, as chmod takes it');
const regex = z.string().max(4096);
const fileMatch = z.strictObject({
  paths: globs.optional(),
  exceptPaths: globs.optional(),
  /** Matches if one of these bits is set. */
  anyMode: mode.optional(),
  xattr: z.string().optional(),
  /** Matches if some line does. */
  line: regex.optional(),
});
const checks = [
  'extra-root-user',
  'empty-password',
  'runs-as-root',
  'exposed-port',
  'unpinned-base',
  'no-health-check',
  'missing-labels',
] as const;
const ruleSchema = z
  .strictObject({
    id: ruleId,
    title: z.string().min(3).max(200),
    severity: severityName,
    why: sentence,
    advice: sentence,
    file: fileMatch.optional(),
    folder: z.strictObject({ paths: globs, anyMode: mode }).optional(),
    variable: z
      .strictObject({ name: regex, value: regex.optional(), exceptValue: regex.optional() })
      .optional(),
    history: regex.optional(),
    check: z.enum(checks).optional(),
    ports: z.array(z.int().min(1).max(65_535)).optional(),
    labels: z.array(z.string().min(1)).optional(),
  })
  .refine(
    (rule) => [rule.file, rule.folder, rule.variable, rule.history, rule.check].filter(Boolean).length === 1,
    'a rule has one of: file, folder, variable, history, check',
  );
const fileSchema = z.strictObject({
  about: z.string(),
  pathLists,
  rules: z.array(ruleSchema).min(1).max(1000),
});

export type Check = (typeof checks)[number];
type MisconfigurationRuleText = z.output<typeof ruleSchema>;

export interface MisconfigurationRule {
  readonly text: MisconfigurationRuleText;
  readonly file?: FileMatch | undefined;
  readonly folder?: FolderMatch | undefined;
  readonly variable?: VariableMatch | undefined;
  readonly history?: TextTest | undefined;
}

export interface FileMatch {
  readonly isPath: PathTest;
  /** 0 stands for any mode. */
  readonly anyMode: number;
  readonly xattr: string | undefined;
  readonly line: TextTest | undefined;
}

interface FolderMatch {
  readonly isPath: PathTest;
  readonly anyMode: number;
}

interface VariableMatch {
  readonly name: TextTest;
  readonly value: TextTest | undefined;
  readonly exceptValue: TextTest | undefined;
}

export interface MisconfigurationRules {
  readonly revision: string;
  readonly rules: readonly MisconfigurationRule[];
}

/** @throws Fault RULES_INVALID with the file and the rule */
export function loadMisconfigurationRules(file: RulesFile): MisconfigurationRules {
  return inRulesFile(file, () => {
    const data = parseRules(file.text, fileSchema);
    requireUniqueIds(data.rules);
    const pathsOf = (list: readonly string[]): PathTest => anyGlob(expandGlobs(list, data.pathLists));
    return {
      revision: revisionOf(file.text),
      rules: data.rules.map((text) => inRule(text.id, () => compileRule(text, pathsOf))),
    };
  });
}

export function findingOf(rule: MisconfigurationRule, path: string): Misconfiguration {
  const { id, title, severity, advice } = rule.text;
  return { class: 'misconfiguration', id, title, severity, advice, places: [{ path }] };
}

function compileRule(
  text: MisconfigurationRuleText,
  pathsOf: (list: readonly string[]) => PathTest,
): MisconfigurationRule {
  const test = (source: string | undefined): TextTest | undefined =>
    source === undefined ? undefined : textTest(source, { lines: true });
  const { file, folder, variable, history } = text;
  return {
    text,
    file: file && {
      isPath: within(file.paths && pathsOf(file.paths), pathsOf(file.exceptPaths ?? [])),
      anyMode: Number.parseInt(file.anyMode ?? '0', 8),
      xattr: file.xattr,
      line: test(file.line),
    },
    folder: folder && { isPath: pathsOf(folder.paths), anyMode: Number.parseInt(folder.anyMode, 8) },
    variable: variable && {
      name: textTest(variable.name),
      value: variable.value === undefined ? undefined : textTest(variable.value),
      exceptValue: variable.exceptValue === undefined ? undefined : textTest(variable.exceptValue),
    },
    history: test(history),
  };
}

function within(paths: PathTest | undefined, exceptPaths: PathTest): PathTest {
  return (path) => (paths === undefined || paths(path)) && !exceptPaths(path);
}
