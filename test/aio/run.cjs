/**
 * Runs commands of Adobe's plugin for `aio` one after the other, as oclif does. argv[2] is a list of argument lists.
 */
const { run } = require('@oclif/core');

const plugin = require.resolve('@adobe/aio-cli-plugin-runtime/package.json');

async function main() {
  for (const words of JSON.parse(process.argv[2])) {
    console.log(`$ ${words.join(' ')}`);
    try {
      await run(words, plugin);
    } catch (error) {
      if (error.oclif?.exit !== 0) console.log(`failed: ${error.message}`);
    }
  }
}

void main();
