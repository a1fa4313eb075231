import errno
def main(args):
    answers = []
    for path in ("/fn/__main__.py", "/fn/more.py", "/ward/runner.py"):
        try:
            open(path, "a").close()
            answers.append("ok")
        except OSError as error:
            answers.append(errno.errorcode[error.errno])
    return {"answers": answers}
