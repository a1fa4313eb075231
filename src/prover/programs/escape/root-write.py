# A temporary folder, which is removed at once.
def write(folder):
    os.mkdir(folder + "/ward-prove")
    os.rmdir(folder + "/ward-prove")
first_refusal([("made a folder in " + folder, lambda folder=folder: write(folder)) for folder in ("/", "/etc", "/usr/lib", "/var", "/root", "/home") if os.path.isdir(folder)])
