exports.main = ({ payload }) => {
  console.log(`hello ${payload || 'world'}!`);
  return {};
};
