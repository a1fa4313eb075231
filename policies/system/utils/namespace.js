exports.main = () => ({ namespace: process.env.__OW_NAMESPACE });
