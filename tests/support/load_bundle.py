"""Load the bundle's jobs into the classes of databricks-bundles, which refuse unknown keys, and print them as JSON.

Needs databricks-bundles and PyYAML; test_bundle.py makes an environment with them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from databricks.bundles.jobs import Job


def main() -> None:
    bundle = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    jobs = {name: Job.from_dict(job).as_dict() for name, job in bundle["resources"]["jobs"].items()}
    print(json.dumps({"jobs": jobs, "top": sorted(bundle), "variables": bundle["variables"]}))


if __name__ == "__main__":
    main()
