# Q_SYNC without a device: writes back what is changed already.
refused(lambda: syscall("quotactl", 0x800001 << 8, None, 0, None), "Q_SYNC is let through")
