secret = buffer(os.urandom(16).hex().encode())
holds(address=ctypes.addressof(secret), secret=secret.value.decode(), pid=os.getpid())
