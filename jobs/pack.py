"""Pack this library and its dependencies for executors, and print the line that submits a job with the archive.

    python jobs/pack.py --output environment.tar.gz -- --master spark://host:7077 jobs/curate.py --pool …

Run it in a clone, with the Python of the driver. The arguments after `--` (options of spark-submit, the job and its
options) end the printed line. Needs a package index; installs nothing into the Python that runs it.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

CLONE: Final = Path(__file__).resolve().parent.parent
PACKER: Final = ("venv-pack==0.2.0", "setuptools<81")  # venv-pack imports pkg_resources, which setuptools 81 lacks
# No executor imports these, a quarter of the archive: tests, headers, and the parts of Arrow for other services.
LEFT_OUT: Final = (
    "*/site-packages/*/tests/*",
    "*/site-packages/*/include/*",
    "*/site-packages/pyarrow/src/*",
    "*/site-packages/pyarrow/*.pyx",
    "*/site-packages/pyarrow/*flight*",
    "*/site-packages/pyarrow/*_orc*",
    "*/site-packages/pyarrow/*_s3*",
    "*/site-packages/llvmlite/tests/*",
)
PLACEHOLDER: Final = (
    "--master", "spark://HOST:7077", "jobs/curate.py", "--conf", "conf/cluster.toml",
    "--pool", "POOL", "--metadata", "METADATA", "--tables", "TABLES",
)  # fmt: skip


def main() -> None:
    """Build the archive and print the line."""
    parser = _parser()
    options = parser.parse_args()
    if not options.output.name.endswith((".tar.gz", ".tgz")):
        parser.error(
            f"--output {options.output} does not end in .tar.gz. Other formats, like .zip, lose the permission to "
            "execute Python when they are unpacked. Pass a name that ends in .tar.gz.",
        )
    if not (options.keep and options.output.exists()):
        start = time.monotonic()
        pack(options.output, package=options.package, python_prefix=options.python_prefix)
        size = options.output.stat().st_size / 1e6
        print(f"{options.output}: {size:.0f} MB in {time.monotonic() - start:.0f} s", file=sys.stderr)
    print(shlex.join(submit_line(options.output, options.rest or PLACEHOLDER)))


def pack(output: Path, *, package: str, python_prefix: str | None = None) -> None:
    """Make a virtual environment without Spark and pack it.

    Args:
        output: Archive to write, .tar.gz; an existing one is replaced.
        package: Package to install, as pip takes it: a folder, a wheel, a name with a version.
        python_prefix: Prefix of Python on the workers if it differs from here: "/usr" for /usr/bin/python3.

    Raises:
        CalledProcessError: pip or venv-pack failed; their messages are on standard error.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment, packer = Path(folder, "environment"), Path(folder, "packer")
        _run("-m", "venv", "--without-pip", environment)
        python = environment / "bin" / "python"
        constraints = CLONE / ".ci" / "constraints.txt"
        _run("-m", "pip", "--quiet", "--python", python, "install", "--constraint", constraints, package)
        _run("-m", "pip", "--quiet", "install", "--target", packer, *PACKER)
        excluded = [part for pattern in LEFT_OUT for part in ("--exclude", pattern)]
        moved = ["--python-prefix", python_prefix] if python_prefix else []
        arguments: list[str | Path] = [
            "--quiet",
            "--force",
            "--prefix",
            environment,
            "--output",
            output.absolute(),
            *excluded,
            *moved,
        ]
        _run("-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); import venv_pack.__main__ as m; m.main()",
             packer, *arguments)  # fmt: skip
        if python_prefix is None:
            _check(output, Path(folder, "unpacked"))


def submit_line(archive: Path, rest: list[str] | tuple[str, ...]) -> list[str]:
    """Return the command that submits a job with an archive, to be run in the clone.

    >>> submit_line(Path("e.tar.gz"), ["job.py"])[:5]
    ['spark-submit', '--properties-file', 'conf/spark-submit.conf', '--archives', 'e.tar.gz#environment']
    """
    # In client mode the driver runs in the Python that built the archive, so that all versions are equal.
    driver = ["--conf", f"spark.pyspark.driver.python={sys.executable}"]
    settings = ["--properties-file", "conf/spark-submit.conf", "--archives", f"{archive}#environment"]
    return ["spark-submit", *settings, *driver, *rest]


def _check(archive: Path, folder: Path) -> None:
    """Raise if the archive lacks a module that was left out by mistake: better here than on the executors."""
    shutil.unpack_archive(archive, folder)
    modules = "metaclip_spark.core.matching.matcher, pandas, pyarrow.compute, pyarrow.dataset"
    subprocess.run([folder / "bin" / "python", "-c", f"import {modules}"], check=True)  # noqa: S603 - our own


def _run(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, *map(str, arguments)], check=True)  # noqa: S603 - no shell, and the caller's own


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, required=True, metavar="ARCHIVE", help="file to write, .tar.gz")
    parser.add_argument("--package", default=str(CLONE), help="package to install (default: this clone)")
    parser.add_argument("--python-prefix", metavar="FOLDER", help="folder of bin/python3 on the workers, if it differs")
    parser.add_argument("--keep", action="store_true", help="if the archive exists, only print the line")
    parser.add_argument("rest", nargs="*", help="end of the printed line, after --")
    return parser


if __name__ == "__main__":
    main()
