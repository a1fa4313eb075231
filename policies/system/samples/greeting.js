exports.main = ({ name, payload, place }) => ({
  payload: `Hello, ${name || payload || 'stranger'} from ${place || 'somewhere'}!`,
});
