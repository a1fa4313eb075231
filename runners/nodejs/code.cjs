/**
 * Finds the action's main function in the code folder, as OpenWhisk's nodejs runtime does. In text code any top-level
 * name counts, exported or not; a zip is a Node project. Either can be an ES module, or TypeScript whose types Node
 * strips.
 */
'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { Module, createRequire, registerHooks, stripTypeScriptTypes } = require('node:module');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { compileFunction } = require('node:vm');

const textFile = 'index.js';
const wrapperParameters = ['exports', 'require', 'module', '__filename', '__dirname'];
const endings = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts'];
const projectFiles = ['package.json', ...endings.map((ending) => `index${ending}`)];

/** `main` or `file.main`; after the first period follows a path in the file's exports. */
const mainPattern = /^(?:([^.]+)\.)?(.+)$/su;

const identifierPattern = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Messages of syntax errors that mean only that the code is an ES module. */
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
 * @throws what the code throws while it loads, or a string when it can't be an action
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
  try {
    return await loadJavaScript(source, file, main);
  } catch (error) {
    if (!(error instanceof SyntaxError) || compiles(source, file)) throw error;
    const plain = withoutTypes(source, file);
    if (plain !== undefined && plain !== source) return loadJavaScript(plain, file, main, true);
    if (!isModule(source, file)) compile(source, file);
    throw error;
  }
}

async function loadJavaScript(source, file, main, isChanged = false) {
  if (!isModule(source, file)) return runText(source, file, main);
  return exportAt(await importText(pathToFileURL(file).href, isChanged ? source : undefined), main);
}

/** @param source replaces the content of the file, if it is a string */
async function importText(url, source) {
  if (source === undefined) return import(url);
  const load = (at, context, next) =>
    at === url ? { format: 'module', source, shortCircuit: true } : next(at, context);
  const hooks = registerHooks({ load });
  try {
    return await import(url);
  } finally {
    hooks.deregister();
  }
}

/**
 * TypeScript as JavaScript, with all positions kept; undefined when it is not TypeScript.
 * @throws a string when the code has a construct that needs compiling, such as an enum
 */
function withoutTypes(source, file) {
  const { emitWarning } = process;
  // Node would warn in the user's log that the function is experimental.
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source, { sourceUrl: file }).replace(/\n*\/\/# sourceURL=.*\s*$/u, '');
  } catch (error) {
    if (error?.code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return undefined;
    throw `${error.stack.replace(/\n {4}at .*$/su, '')}\nNode strips the types of TypeScript, and nothing is compiled.`;
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** @throws the syntax errors of the code as it was written */
function compile(source, file) {
  compileFunction(source, wrapperParameters, { filename: file });
}

function compiles(source, file) {
  try {
    compile(source, file);
    return true;
  } catch {
    return false;
  }
}

/** Compiling twice takes 20 ms for a megabyte, so code without a module's keywords is not tried as one. */
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

/** Whether the word can name a variable. A reserved word such as `default` can't. */
function isName(text) {
  if (!identifierPattern.test(text)) return false;
  try {
    compileFunction(`return ${text}`);
    return true;
  } catch {
    return false;
  }
}

/** Changes to the project's folder, so that code can open its files by relative paths. */
async function loadProject(folder, main) {
  process.chdir(folder);
  const [, file, name] = mainPattern.exec(main) ?? [];
  if (name === undefined) throw 'Name of main function is not valid.';
  if (file === undefined && !projectFiles.some((entry) => existsSync(join(folder, entry)))) {
    throw 'Zipped actions must contain either package.json or index.js at the root.';
  }
  return exportAt(await loadModule(folder, file), name);
}

/** Loads a module. `require` takes both kinds, except ES modules with a top-level await. */
async function loadModule(folder, name) {
  const requireHere = createRequire(join(folder, textFile));
  const file = resolveMain(requireHere, folder, name);
  try {
    return requireHere(file);
  } catch (error) {
    if (error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}

/** Resolves as Node does, then tries the extensions that `require` does not add. */
function resolveMain({ resolve }, folder, name) {
  try {
    return resolve(name === undefined ? folder : join(folder, name));
  } catch (error) {
    const path = join(folder, name ?? 'index');
    const ending = endings.find((each) => existsSync(path + each));
    if (error?.code !== 'MODULE_NOT_FOUND' || ending === undefined) throw error;
    return path + ending;
  }
}

/** The value at a path such as `main` or `handlers.main`. Also looks in the default export. */
function exportAt(exports, path) {
  return valueAt(exports, path) ?? valueAt(exports?.default, path);
}

function valueAt(object, path) {
  return path.split('.').reduce((value, key) => value?.[key], object);
}

module.exports = { loadMain };
