FAN_CLASS_NOTIF, FAN_REPORT_FID = 0, 0x200
refused(lambda: syscall("fanotify_init", FAN_CLASS_NOTIF | FAN_REPORT_FID, 0), "a group of watches is open")
