import { expect, test } from 'vitest';
import { findCommand } from './argv.ts';
import { makeHome, runWard } from './cli.fixture.ts';
import { entries } from './registry.ts';
import { commandMeantBy, groupWords, topWords } from './suggestions.ts';

test('every suggestion is a command, and no typed word with a suggestion is one', () => {
  for (const [word, meant] of Object.entries(topWords)) {
    expect(
      entries.some(({ name }) => name === word),
      word,
    ).toBe(false);
    for (const command of meant.split(', or ward '))
      expect(findCommand(command.split(' '), entries)).toBeDefined();
  }
  for (const word of Object.keys(groupWords)) {
    const meant = ['action', 'trigger', 'property', 'activation', 'image', 'sandbox']
      .map((group) => commandMeantBy(word, [group], entries))
      .filter((each) => each !== undefined);
    expect(meant.length, word).toBeGreaterThan(0);
    for (const command of meant) expect(findCommand(command.split(' ').slice(1), entries)).toBeDefined();
  }
});

test.each([
  [['invoke', 'hello', '-p', 'name', 'World'], 'ward action invoke'],
  [['ls'], 'ward list'],
  [['deploy', '.'], 'ward action create NAME FOLDER, or ward project deploy'],
  [['action', 'ls'], 'ward action list'],
  [['action', 'logs', 'hello'], 'ward activation logs'],
  [['namespace', 'key', 'rm', 'guest'], 'ward namespace key delete'],
  [['trigger', 'invoke', 'nightly'], 'ward trigger fire'],
  [['version'], 'ward property get --cliversion'],
  [['kinds'], 'ward completion --names kind'],
  [['acton', 'list'], 'ward action'],
  [['action', 'lst'], 'ward action list'],
])('ward %j suggests %s', async (argv, meant) => {
  await using home = await makeHome();
  const { code, stderr } = await runWard(argv, { home });
  expect(code).toBe(2);
  expect(stderr).toContain('error[USAGE]: unknown command');
  expect(stderr).toContain(`try:   did you mean ${meant}?`);
});

test('a hopeless word gets only the help', async () => {
  await using home = await makeHome();
  const { stderr } = await runWard(['constructor'], { home });
  expect(stderr).toContain("unknown command 'constructor'");
  expect(stderr).toContain('try:   ward --help');
});
