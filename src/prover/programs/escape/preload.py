# Uses another name than the real list, and removes the file at once.
def make():
    os.close(os.open("/etc/ward-prove", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink("/etc/ward-prove")
refused(make, "/etc may be written")
