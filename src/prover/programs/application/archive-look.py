def main(_args):
    return {"read": open("/fn/file").read()}
