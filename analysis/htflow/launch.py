# SPDX-License-Identifier: BSD-3-Clause
"""What the program htflow runs: the package beside this file, or words about what is missing."""
import pathlib
import sys

ENVIRONMENT = 6
# modules of other names than their Debian packages
PACKAGES = {"mpl_toolkits": "python3-matplotlib", "yaml": "python3-yaml"}


def main():
    """Run a command of the package; the exit code."""
    # instead of this file's folder, whose modules would hide others
    sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])
    try:
        from htflow.report import command
        return command.main(sys.argv[2:])
    except ModuleNotFoundError as missing:
        module = missing.name.partition(".")[0]
        package = PACKAGES.get(module, f"python3-{module}")
        print(f"htflow: {sys.executable} has no module {module} (Debian: apt-get install "
              f"{package}); HTFLOW_PYTHON names another interpreter", file=sys.stderr)
        return ENVIRONMENT


if __name__ == "__main__":
    sys.exit(main())
