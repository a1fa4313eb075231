# Q_SYNC without a device only writes back existing changes.
refused(lambda: syscall("quotactl", 0x800001 << 8, None, 0, None), "Q_SYNC is let through")
