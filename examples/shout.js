/** Makes the text of `greeting` louder: a second step, as in `ward action create welcome --sequence hello,shout`. */
function main({ greeting = 'Hello' }) {
  return { greeting: `${greeting.toUpperCase()}!` };
}

exports.main = main;
