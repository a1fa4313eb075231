MOUNT_ATTR_RDONLY = 1
attributes = struct.pack("QQQQ", 0, MOUNT_ATTR_RDONLY, 0, 0)
refused(lambda: syscall("mount_setattr", -100, "/", 0, attributes, len(attributes)), "the root’s mount is writable")
