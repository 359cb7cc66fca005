"""Builds the compiled functions: one shared object a module, of Python's stable ABI where nothing else is asked for.

BOXFERRY_SPEEDUPS_CFLAGS adds flags of the compiler and the linker, as sanitizers want them; with
BOXFERRY_SPEEDUPS_ABI3=0 the objects are of the running Python alone.
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

OLDEST = 0x030B0000  # Python 3.11: since then the stable ABI has buffers
MODULES = ("lists", "objects", "results", "rows")
FLAGS = os.environ.get("BOXFERRY_SPEEDUPS_CFLAGS", "").split()
ABI3 = os.environ.get("BOXFERRY_SPEEDUPS_ABI3", "1") != "0"


def extension(name: str) -> Extension:
    """One module."""
    return Extension(
        f"boxferry_speedups.{name}",
        [f"boxferry_speedups/{name}.pyx"],
        define_macros=[("Py_LIMITED_API", str(OLDEST))] if ABI3 else [],
        py_limited_api=ABI3,
        extra_compile_args=["-O2", *FLAGS],
        extra_link_args=FLAGS,
    )


setup(
    ext_modules=cythonize(
        [extension(name) for name in MODULES],
        language_level=3,
        compiler_directives={"boundscheck": True, "wraparound": False, "cdivision": True, "embedsignature": False},
    ),
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
