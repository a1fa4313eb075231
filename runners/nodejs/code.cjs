/**
 * Finds the action's main function in the code folder, as OpenWhisk's nodejs runtime does: in text code any
 * top-level name counts, exported or not; a zip is a Node project. Either may be an ES module.
 */
'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { Module, createRequire } = require('node:module');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { compileFunction } = require('node:vm');

const textFile = 'index.js';
const wrapperParameters = ['exports', 'require', 'module', '__filename', '__dirname'];
const projectFiles = ['package.json', 'index.js'];

/** `main` or `file.main`; what follows the first period is a path in what the file exports. */
const mainPattern = /^(?:([^.]+)\.)?(.+)$/su;

const identifierPattern = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Messages of syntax errors that only mean: this is an ES module. */
const moduleSyntaxErrors = [
  'Cannot use import statement outside a module',
  "Cannot use 'import.meta' outside a module",
  "Unexpected token 'export'",
  'await is only valid in async functions and the top level bodies of modules',
];

/**
 * Loads the code and returns its main function.
 * @param {string} folder absolute
 * @param {{ main: string, binary: boolean }} request
 * @throws what the code throws while it is loaded; a string when it can't be an action
 */
async function loadMain(folder, { main, binary }) {
  const found = binary ? await loadProject(folder, main) : await loadText(join(folder, textFile), main);
  if (typeof found !== 'function') throw `Action entrypoint '${main}' is not a function.`;
  return found;
}

async function loadText(file, main) {
  const source = readFileSync(file, 'utf8')
    .replace(/^\uFEFF/u, '')
    .replace(/^#!/u, '//');
  if (isModule(source, file)) return exportAt(await import(pathToFileURL(file).href), main);
  try {
    return runText(source, file, main);
  } catch (error) {
    if (error instanceof SyntaxError) compile(source, file);
    throw error;
  }
}

/** @throws the syntax errors of the code as it was written */
function compile(source, file) {
  compileFunction(source, wrapperParameters, { filename: file });
}

/** Compiling twice takes 20 ms for a megabyte, so code without the words of a module is not tried as one. */
function isModule(source, file) {
  if (!/\b(?:import|export)\b/u.test(source)) return false;
  try {
    compile(source, file);
    return false;
  } catch (error) {
    return moduleSyntaxErrors.includes(error.message);
  }
}

/** Runs the code as the body of a CommonJS module that ends by returning its top-level main. */
function runText(source, file, main) {
  const [root] = main.split('.', 1);
  const ending = isName(root) ? `\n;return typeof ${root} === 'undefined' ? undefined : ${main};` : '';
  const module = new Module(file);
  module.filename = file;
  module.paths = Module._nodeModulePaths(dirname(file));
  const found = module._compile(source + ending, file, 'commonjs');
  module.loaded = true;
  return typeof found === 'function' ? found : exportAt(module.exports, main);
}

/** Whether it can name a variable: a reserved word, such as `default`, can't. */
function isName(text) {
  if (!identifierPattern.test(text)) return false;
  try {
    compileFunction(`return ${text}`);
    return true;
  } catch {
    return false;
  }
}

/** The project's folder becomes the working directory, so that it may open its files by relative paths. */
async function loadProject(folder, main) {
  process.chdir(folder);
  const [, file, name] = mainPattern.exec(main) ?? [];
  if (name === undefined) throw 'Name of main function is not valid.';
  if (file === undefined && !projectFiles.some((entry) => existsSync(join(folder, entry)))) {
    throw 'Zipped actions must contain either package.json or index.js at the root.';
  }
  return exportAt(await loadModule(folder, file === undefined ? folder : join(folder, file)), name);
}

/** `require` loads modules of either kind, except those that await at their top level. */
async function loadModule(folder, path) {
  const requireHere = createRequire(join(folder, textFile));
  const file = requireHere.resolve(path);
  try {
    return requireHere(file);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}

/** What is at a path such as `main` or `handlers.main`, if need be in the default export. */
function exportAt(exports, path) {
  return valueAt(exports, path) ?? valueAt(exports?.default, path);
}

function valueAt(object, path) {
  return path.split('.').reduce((value, key) => value?.[key], object);
}

module.exports = { loadMain };
