F_GETPIPE_SZ = 1032
import fcntl
size = fcntl.fcntl(os.pipe()[1], F_GETPIPE_SZ)
if size < 65536:
    escaped("a pipe holds only %d bytes, because the neighbour has %d pipes" % (size, facts["neighbour"]["pipes"]))
blocked("absent", "a pipe holds %d bytes, although the neighbour has %d pipes" % (size, facts["neighbour"]["pipes"]))
