/**
 * The environment of user code. To set a variable takes the C library 4 µs, and it never frees a value. So the runner sets
 * those of a run only once the code has looked at `process.env`, and most functions never do. From then on, it sets them
 * before each run, and `process.env` is what Node made it.
 */
'use strict';
const { stringify } = JSON;
const { keys } = Object;
const { defineProperty } = Reflect;
const toText = String;
const proc = process;

const environment = proc.env;
let hasLooked = true;
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

/** From now on, `setForRun` sets nothing until the code looks. */
function watchEnvironment() {
  hasLooked = false;
  const put = (value) => {
    hasLooked = true;
    defineProperty(proc, 'env', { value, writable: true, enumerable: true, configurable: true });
  };
  const get = () => {
    put(environment);
    if (pending !== undefined) setEnvironment(pending, environment);
    return environment;
  };
  defineProperty(proc, 'env', { get, set: put, enumerable: true, configurable: true });
}

/** Sets the variables of a run before the code can see that they are not set. */
function setForRun(env) {
  if (hasLooked) setEnvironment(env, proc.env);
  else pending = env;
}

module.exports = { setEnvironment, setForRun, watchEnvironment };
