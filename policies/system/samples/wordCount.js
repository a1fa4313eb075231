exports.main = ({ payload = '' }) => {
  const words = String(payload)
    .split(/\s+/)
    .filter((word) => word !== '');
  return { count: words.length };
};
