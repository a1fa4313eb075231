/**
 * The environment of user code. The variables of a run are set when the code first looks at `process.env` in it, and most
 * functions never do. To set one takes the C library 4 µs, and it never frees a value.
 */
'use strict';
const { stringify } = JSON;
const { keys } = Object;
const { defineProperty, getOwnPropertyDescriptor, has, ownKeys } = Reflect;
const toText = String;
const proc = process;

const common = proc.env;
/** Variables of the run that are not set yet. */
let pending;

/** Sets values as OpenWhisk does: strings as they are, falsy values as empty, objects as JSON. */
function setEnvironment(env, into) {
  const names = keys(env);
  for (let at = 0; at < names.length; at++) {
    const value = env[names[at]];
    if (typeof value === 'string') into[names[at]] = value;
    else if (typeof value === 'object' && value !== null) into[names[at]] = stringify(value);
    else into[names[at]] = value ? toText(value) : '';
  }
}

/** @returns {object} the environment of the process, with the variables of the run */
function settled() {
  if (pending !== undefined) {
    const env = pending;
    pending = undefined;
    setEnvironment(env, common);
  }
  return common;
}

/** For code that keeps `process.env`. */
const shown = new Proxy(common, {
  get: (_common, name) => settled()[name],
  set(_common, name, value) {
    settled()[name] = value;
    return true;
  },
  has: (_common, name) => has(settled(), name),
  deleteProperty: (_common, name) => delete settled()[name],
  ownKeys: () => ownKeys(settled()),
  getOwnPropertyDescriptor: (_common, name) => getOwnPropertyDescriptor(settled(), name),
  defineProperty: (_common, name, descriptor) => defineProperty(settled(), name, descriptor),
});

/** A look at the property is enough: a thread gets a copy of the environment that the process has at that time. */
function look() {
  settled();
  return shown;
}

/** From now on, `setLater` need not set anything at once. */
function watchEnvironment() {
  const set = (value) => {
    settled();
    defineProperty(proc, 'env', { value, writable: true, enumerable: true, configurable: true });
  };
  defineProperty(proc, 'env', { get: look, set, enumerable: true, configurable: true });
}

/** Sets the variables of a run before user code can see that they are not set. */
function setLater(env) {
  // The code can have put another object there.
  if (getOwnPropertyDescriptor(proc, 'env')?.get === look) pending = env;
  else setEnvironment(env, proc.env);
}

module.exports = { setEnvironment, setLater, watchEnvironment };
