"""The table of failures: texts that Spark, Delta, Hadoop and Java gave, and the error and remedy of each."""

from __future__ import annotations

import re

import pytest

from metaclip_spark import errors
from metaclip_spark.cli.parser import build_parser
from metaclip_spark.spark.failures.failure_kinds import KINDS, hadoop_version, kind_of, store_remedy
from metaclip_spark.spark.session.delta import delta_package, jar_settings

A, P = "org.apache.hadoop.fs", "spark.jars.packages=org.apache.hadoop"
CASES = [
    (
        f': {A}.UnsupportedFileSystemException: No FileSystem for scheme "s3"',
        errors.ConfigError,
        f"s3a://.*{P}:hadoop-aws:",
    ),
    ('No FileSystem for scheme "hf"', errors.ConfigError, "hf download"),
    ('No FileSystem for scheme "dbfs"', errors.ConfigError, "Databricks only"),
    ('No FileSystem for scheme "zzz"', errors.ConfigError, "spark.hadoop.fs.zzz.impl"),
    ("No FileSystem for scheme: abfs", errors.ConfigError, f"{P}:hadoop-azure:"),
    (f"ClassNotFoundException: Class {A}.s3a.S3AFileSystem not found", errors.ConfigError, f"Add.*{P}:hadoop-aws:"),
    (f"Class {A}.azurebfs.SecureAzureBlobFileSystem not found", errors.ConfigError, f"{P}:hadoop-azure:"),
    (f"Class {A}.gs.GoogleHadoopFileSystem not found", errors.ConfigError, f"{P}:hadoop-gcp:"),
    ("[FAILED_READ_FILE.UNSUPPORTED_FILE_SYSTEM] … HttpFileSystem", errors.ConfigError, "Download the files"),
    (
        "Malformed input or input contains unmappable characters: k??tzchen",
        errors.EnvironmentProblemError,
        "LC_ALL=C.UTF-8",
    ),
    ("java.lang.OutOfMemoryError: Java heap space", errors.EnvironmentProblemError, "spark.driver.memory=.*Raise it"),
    ("Container killed by YARN for exceeding physical memory limits", errors.EnvironmentProblemError, "Raise it"),
    ("executor 1 exited … exit code 137", errors.EnvironmentProblemError, "Raise it"),
    ("The executor with id 3 … exited with exit code 52(OOM)", errors.EnvironmentProblemError, "Raise it"),
    ("Total size of serialized results of 3 tasks is bigger than", errors.EnvironmentProblemError, "maxResultSize=4g"),
    (
        "re2j.PatternSyntaxException: error parsing regexp: Unclosed group at pos 2: `{a`",
        errors.ConfigError,
        "Correct the",
    ),
    ("Wrong FS: file://host/x, expected: file:///", errors.ConfigError, "Correct the path"),
    ("java.net.URISyntaxException: Relative path in absolute URI: a:b", errors.ConfigError, "Correct the path"),
    ("URISyntaxException: Relative path in absolute URI: .a:1.json.crc", errors.InputError, "colon. Rename it"),
    ("Incomplete HDFS URI, no host: hdfs:///p", errors.ConfigError, "Correct the path"),
    ("[INVALID_CONF_VALUE.TIME_ZONE] The value 'x' in the config", errors.ConfigError, "Correct the setting"),
    ("[CONFLICTING_PARTITION_COLUMN_NAMES] Conflicting partition column names", errors.InputError, "one level"),
    ("[CAST_INVALID_INPUT] The value 'x' of the type \"STRING\"", errors.InputError, "--cast COLUMN=string"),
    ("UnsupportedOperationException: Unsupported encoding: BYTE_STREAM_SPLIT", errors.InputError, "--drop COLUMN"),
    ("BadConfigurationException: Class org.apache.hadoop.io.compress.BrotliCodec", errors.InputError, "such as zstd"),
    ("[DELTA_FILE_NOT_FOUND_DETAILED] File x referenced in the log", None, "VACUUM"),
    ("[FAILED_READ_FILE.FILE_NOT_EXIST] File does not exist", None, "VACUUM"),
    ("[DELTA_TRUNCATED_TRANSACTION_LOG] x", None, "VACUUM"),
    ("[DELTA_CANNOT_CREATE_LOG_PATH] Cannot create file:/proc/x", errors.TableError, "can write"),
    ("java.nio.file.FileSystemException: x: Read-only file system", errors.TableError, "can write"),
    ("java.io.IOException: Mkdirs failed to create file:/x", errors.TableError, "can write"),
    ("AccessControlException: Permission denied: user=a", None, "Give this user"),
    ("UnsupportedOperationException: ", errors.ConfigError, "Name another location"),
    ("java.net.ConnectException: Call to h:9 failed", None, "Check the host"),
]


@pytest.mark.parametrize(("text", "error", "remedy"), CASES, ids=[text[:60] for text, _, _ in CASES])
def test_kinds(text: str, error: type[errors.MetaclipSparkError] | None, remedy: str) -> None:
    found = kind_of(text)
    assert found is not None
    assert found[0] is error
    assert re.search(remedy, found[1])


@pytest.mark.parametrize(
    "text",
    [
        "Job aborted due to stage failure: … java.net.ConnectException: Connection refused",
        "ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: worker lost",
        "No space left on device",
        "Python worker exited unexpectedly (crashed)",
    ],
)
def test_a_failure_that_a_retry_may_mend(text: str) -> None:
    assert kind_of(text) is None


def test_every_kind_has_a_case() -> None:
    assert [kind.text.pattern for kind in KINDS if not any(kind.text.search(text) for text, _, _ in CASES)] == []


@pytest.mark.parametrize("scheme", ["s3", "s3a", "gs", "abfss"])
def test_the_option_of_a_remedy_adds_the_package(scheme: str) -> None:
    option, setting = store_remedy(scheme).removesuffix(".").split()[-2:]
    options = build_parser().parse_args(["inspect", "--tables", "x", option, setting])
    packages = jar_settings(dict([options.spark_conf[0].split("=", 1)]), None)["spark.jars.packages"].split(",")
    assert packages[0].startswith("io.delta:delta-spark"), "Delta's package stays"
    assert packages[1].startswith("org.apache.hadoop:hadoop-")
    assert packages[1].endswith(f":{hadoop_version()}")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"spark.jars.packages": "a:b:1,io.delta:delta-spark_2.13:4.0.0"}, {}),
        ({"spark.jars": "/x/delta.jar"}, {}),
        ({"spark.jars.packages": "a:b:1"}, f"{delta_package('4.2.0')},a:b:1"),
    ],
)
def test_packages_of_the_user(settings: dict[str, str], expected: object) -> None:
    found = jar_settings(settings, None)
    assert (found.get("spark.jars.packages") if found else {}) == expected
