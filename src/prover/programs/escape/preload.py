# Another name than the list's, which is gone again at once.
def make():
    os.close(os.open("/etc/ward-prove", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    os.unlink("/etc/ward-prove")
refused(make, "/etc may be written")
