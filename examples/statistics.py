"""Describes a list of numbers: ward action invoke statistics --param numbers '[1, 2, 4]' --result

Without numbers it returns an application error: a result whose `error` says what is wrong.
"""

from statistics import fmean, median, pstdev


def main(args):
    numbers = args.get("numbers")
    if not isinstance(numbers, list) or not numbers:
        return {"error": "numbers must be a list with at least one number"}
    print(f"{len(numbers)} numbers")
    return {"mean": fmean(numbers), "median": median(numbers), "deviation": pstdev(numbers)}
