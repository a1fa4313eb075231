import os
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"
def main(args):
    if args.get("good"):
        print("good")
        return {"good": True}
    write(os.environ["__OW_ACTIVATION_ID"])
    return {"done": True}
