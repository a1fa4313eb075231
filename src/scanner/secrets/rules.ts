/**
 * Compiles `secrets.yaml`. A rule has a regular expression, whose first group is the secret itself, and further
 * conditions: a least entropy, paths, and words that mark an example.
 */
import { z } from 'zod';
import { createMatcher, type Matcher } from '../patterns/matcher.ts';
import type { Pattern } from '../patterns/pattern.ts';
import { createPatternSet, type PatternSet, requireAtoms } from '../patterns/pattern-scan.ts';
import { compile } from '../patterns/program.ts';
import { parseRegex } from '../patterns/regex-syntax.ts';
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
import type { Severity } from '../types.ts';

const ruleSchema = z.strictObject({
  id: ruleId,
  title: z.string().min(3).max(200),
  severity: severityName,
  why: sentence,
  tune: sentence.optional(),
  regex: z.string().min(4).max(4096),
  entropy: z.number().min(0).max(8).optional(),
  /** Limits the rule to these paths. */
  paths: globs.optional(),
  exceptPaths: globs.optional(),
  /** Further words that mark an example. */
  words: z.array(z.string().min(1)).optional(),
});
const fileSchema = z.strictObject({
  about: z.string(),
  pathLists,
  allow: z.strictObject({
    paths: globs,
    /** Whole values. */
    values: z.array(z.string()),
    /** In lower case. A value that contains one of them is not a secret. */
    words: z.array(z.string().min(3)),
    /** Regular expressions. A value that matches one of them is not a secret. */
    forms: z.array(z.string()),
  }),
  rules: z.array(ruleSchema).min(1).max(2000),
});

type SecretRuleText = z.output<typeof ruleSchema>;

export interface SecretRule {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly pattern: Pattern;
  readonly minEntropy: number;
  readonly isWanted: PathTest;
  readonly words: readonly string[];
}

export interface SecretRules {
  readonly revision: string;
  /** If two rules match the same text, the earlier one wins. */
  readonly rules: readonly SecretRule[];
  readonly texts: readonly SecretRuleText[];
  /** For texts outside files: an image's configuration. */
  readonly set: PatternSet;
  readonly isAllowedPath: PathTest;
  readonly allowedValues: ReadonlySet<string>;
  readonly words: readonly string[];
  readonly forms: readonly Matcher[];
}

/** @throws Fault RULES_INVALID with the file and the rule */
export function loadSecretRules(file: RulesFile): SecretRules {
  return inRulesFile(file, () => {
    const data = parseRules(file.text, fileSchema);
    requireUniqueIds(data.rules);
    const expand = (list: readonly string[]): readonly string[] => expandGlobs(list, data.pathLists);
    const rules = data.rules.map((rule): SecretRule => {
      const isIn = rule.paths === undefined ? () => true : anyGlob(expand(rule.paths));
      const isExcepted = anyGlob(expand(rule.exceptPaths ?? []));
      return {
        id: rule.id,
        title: rule.title,
        severity: rule.severity,
        pattern: patternOf(rule.id, rule.regex),
        minEntropy: rule.entropy ?? 0,
        isWanted: (path) => isIn(path) && !isExcepted(path),
        words: (rule.words ?? []).map((word) => word.toLowerCase()),
      };
    });
    let set: PatternSet | undefined;
    return {
      revision: revisionOf(file.text),
      rules,
      texts: data.rules,
      get set() {
        set ??= createPatternSet(rules.map(({ pattern }) => pattern));
        return set;
      },
      isAllowedPath: anyGlob(expand(data.allow.paths)),
      allowedValues: new Set(data.allow.values),
      words: data.allow.words,
      forms: data.allow.forms.map((form) => createMatcher(compile(parseRegex(form)))),
    };
  });
}

function patternOf(id: string, regex: string): Pattern {
  return inRule(id, () => {
    const pattern = parseRegex(regex, { lines: true });
    requireAtoms(pattern);
    return pattern;
  });
}
