exports.main = ({ payload = '', separator }) => {
  const text = String(payload);
  return { lines: text.split(separator || /\r?\n/), payload: text };
};
