/**
 * Concurrent calls: finds the call that the code is working for, and gives each call its own environment. Node tracks
 * which call began which work. Callbacks of something that an earlier call opened, such as a pool of connections, count
 * as that call's.
 */
'use strict';
const { AsyncLocalStorage } = require('node:async_hooks');

const { apply, defineProperty, getOwnPropertyDescriptor, has, ownKeys } = Reflect;
const toText = String;
const proc = process;

const storage = new AsyncLocalStorage();
const { getStore, run } = storage;

/** @returns {object | undefined} the call that the code is working for */
function callNow() {
  return apply(getStore, storage, []);
}

/** Calls `main` for this call. */
function runAs(call, main, value) {
  return apply(run, storage, [call, () => apply(main, undefined, [value])]);
}

/**
 * Makes `process.env` show the environment of the call that reads it: the call has its own variables from the host
 * (`call.env`), and shares all others. A variable that was deleted is undefined in `call.env`.
 */
function separateEnvironments() {
  const common = proc.env;
  const placeOf = (name) => {
    const own = callNow()?.env;
    return own !== undefined && name in own ? own : common;
  };
  const isThere = (name) => {
    const place = placeOf(name);
    return place === common ? has(common, name) : place[name] !== undefined;
  };
  proc.env = new Proxy(common, {
    get: (_common, name) => placeOf(name)[name],
    set(_common, name, value) {
      const place = placeOf(name);
      place[name] = place === common ? value : toText(value);
      return true;
    },
    has: (_common, name) => isThere(name),
    deleteProperty(_common, name) {
      const place = placeOf(name);
      if (place === common) delete common[name];
      else place[name] = undefined;
      return true;
    },
    ownKeys() {
      const own = callNow()?.env ?? {};
      const names = new Set([...ownKeys(common), ...ownKeys(own)]);
      return [...names].filter(isThere);
    },
    getOwnPropertyDescriptor(_common, name) {
      const place = placeOf(name);
      if (place === common) return getOwnPropertyDescriptor(common, name);
      const value = place[name];
      return value === undefined
        ? undefined
        : { value, writable: true, enumerable: true, configurable: true };
    },
    defineProperty: (_common, name, descriptor) => defineProperty(placeOf(name), name, descriptor),
  });
}

module.exports = { callNow, runAs, separateEnvironments };
