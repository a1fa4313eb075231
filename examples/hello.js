// Greets by name: ward action invoke hello --param name World --result
function main({ name = 'stranger' }) {
  return { greeting: `Hello, ${name}` };
}

exports.main = main;
