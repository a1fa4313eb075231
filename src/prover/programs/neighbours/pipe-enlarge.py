F_SETPIPE_SZ = 1031
import fcntl
reader, writer = os.pipe()
refused(lambda: fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20), "a pipe holds 1 MiB")
