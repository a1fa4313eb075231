F_GETPIPE_SZ = 1032
import fcntl
size = fcntl.fcntl(os.pipe()[1], F_GETPIPE_SZ)
if size < 65536:
    escaped("a pipe holds %d bytes, since the neighbour has %d pipes" % (size, facts["neighbour"]["pipes"]))
blocked("absent", "a pipe holds %d bytes, though the neighbour has %d" % (size, facts["neighbour"]["pipes"]))
