def replace():
    os.symlink("/proc/sys/kernel/core_pattern", "/dev/ward-prove")
    os.unlink("/dev/ward-prove")
refused(replace, "links can be made in /dev")
