FS_IOC_GETFLAGS = 0x80086601
let_through(lambda: syscall("ioctl", 0, FS_IOC_GETFLAGS, buffer(8)), ["EINVAL", "EOPNOTSUPP", "ENOTTY"], "the file system was asked")
