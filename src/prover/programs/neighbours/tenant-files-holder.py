folder = facts["folder"]
name = folder + "/" + os.urandom(8).hex()
os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o666))
os.chmod(name, 0o666)
holds(name=name)
