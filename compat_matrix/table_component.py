"""The matrix page's table component: DataTables, out of the installed package itables when docs are built.

DataTables (datatables.net, MIT, released every few weeks) searches, filters and sorts HTML tables that are
there already, which is what a page needs that has to be readable without JavaScript.  PyPI's itables (MIT)
carries it, as one bundle without dependencies, and follows its releases: so it comes and is updated as any
other tool of the documentation, nothing of it is copied into the repository, and no visitor's browser asks
another host for it.

What else was looked at in November 2026: sphinx-datatables 1.0.0 loads DataTables from its makers' host at
each view; sphinx-needs 9.1.0 has a table script for its own data only; xstatic-datatables is DataTables 1.10
of 2017; Debian's libjs-jquery-datatables 1.11.5 needs Debian, and jQuery 3; list.js 2.3.1 was last released
in 2021, gridjs 6.2.0 in 2024, and it draws its own tables in place of those it is given; simple-datatables
10.3.0 is well kept, but LGPL, and on npm alone, as tablesort and tabulator-tables are.
"""

from __future__ import annotations

import re
from pathlib import Path

from compat_matrix import MatrixError

#: The end of a bundle: what it gives to those who import it, and the notes on licences.
EXPORTS = re.compile(r"export\s*\{([^{}]*)\};?(\s*(?:/\*.*\*/\s*)?)", re.DOTALL)


def bundle() -> Path:
    """DataTables as an ECMAScript module, in the installed itables."""
    from itables import options

    return Path(options.dt_bundle)


def classic_script(module: str) -> str:
    """The module as a script that sets ``window.DataTable``: browsers load no module from disk (file://)."""
    found = list(EXPORTS.finditer(module))
    names = dict(reversed(name.split(" as ")) for name in found[-1][1].split(",")) if found else {}
    if "default" not in names or found[-1].end() != len(module):
        raise MatrixError("itables: its bundle of DataTables does not end with its exports any more")
    code, notes = module[: found[-1].start()], found[-1][2]
    return f'(() => {{"use strict";\n{code}\nwindow.DataTable = {names["default"]};\n}})();\n{notes}'


def write_script(path: Path) -> None:
    """Writes the script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(classic_script(bundle().read_text("utf-8")), "utf-8")
