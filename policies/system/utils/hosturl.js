const extensions = ['.html', '.http', '.json', '.svg', '.text'];

exports.main = ({ path, trigger, web, ext = '.json' }) => {
  if (web === true && trigger === true) return { error: 'triggers are not allowed for web actions.' };
  if (trigger === true && path?.includes('/')) return { error: 'triggers are not allowed in packages.' };
  if (web === true && !extensions.includes(ext)) {
    return { error: `extension for web action must be one of [${extensions.join(', ')}].` };
  }
  const { __OW_API_HOST: host, __OW_NAMESPACE: namespace } = process.env;
  const collection = trigger === true ? 'triggers' : 'actions';
  const base = web === true ? `web/${namespace}` : `namespaces/${namespace}/${collection}`;
  const url = `${host}/api/v1/${base}`;
  if (!path) return { url };
  if (web !== true) return { url: `${url}/${path}` };
  return { url: `${url}/${path.includes('/') ? path : `default/${path}`}${ext}` };
};
