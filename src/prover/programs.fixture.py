"""Compiles programs, and prints what pyflakes says of them: a JSON object of (prelude, program) on the standard input."""
import ast
import json
import sys

from pyflakes.checker import Checker, ModuleScope
from pyflakes.messages import UnusedImport


def names_of(text):
    """Returns the names that a text defines for the text after it."""
    scopes = Checker(ast.parse(text)).deadScopes
    return {name for scope in scopes if isinstance(scope, ModuleScope) for name in scope}


given = {}
for file, (prelude, program) in json.load(sys.stdin).items():
    try:
        compile(prelude + program, file, "exec", dont_inherit=True)
        tree = ast.parse(program)
    except SyntaxError as error:
        print(f"{file}: {error}")
        continue
    if prelude not in given:
        given[prelude] = names_of(prelude)
    for message in Checker(tree, file, builtins=given[prelude]).messages:
        # Programs that begin with a part use its imports.
        if not isinstance(message, UnusedImport):
            print(message)
